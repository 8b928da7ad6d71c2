import path from 'node:path';

/** Name of the folder of reports beside a batch's outputs. */
export const REPORT_FOLDER = 'upreel-report';

/** The files of one output's report. */
export interface ReportFiles {
  readonly json: string;
  readonly page: string;
  /** Folder of the stills. */
  readonly stills: string;
}

/** Where the report on `output` lies in `folder`, which repeats the folders below `root`. */
export function reportFilesFor(folder: string, root: string, output: string): ReportFiles {
  // A pattern's percent sign has a meaning in addresses.
  const name = path.relative(root, output).replaceAll('%', '_');
  const stem = path.join(folder, name.startsWith('..') ? path.basename(name) : name);
  return { json: `${stem}.json`, page: `${stem}.html`, stills: `${stem}.stills` };
}
