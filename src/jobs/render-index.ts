import path from 'node:path';
import { formatBytes, formatDuration } from '../core/format.ts';
import { escapeAddress, escapeHtml, renderPage, renderTable, type TableRow } from './page.ts';
import { renderNumbers } from './render-report.ts';
import { reportFilesFor } from './report-files.ts';
import { readReport } from './report.ts';
import type { FileOutcome } from './run-batch.ts';

/** The page on a whole batch, with a line and a link for each file. `page` is where it will lie. */
export async function renderIndex(
  outcomes: readonly FileOutcome[],
  { page, title }: { readonly page: string; readonly title: string },
): Promise<string> {
  const folder = path.dirname(page);
  const rows = await Promise.all(outcomes.map((outcome) => describe(outcome, folder)));
  const count = (status: FileOutcome['status']): string =>
    String(outcomes.filter((outcome) => outcome.status === status).length);
  const body = [
    `<h1>${escapeHtml(title)}</h1>`,
    renderNumbers([
      ['files', String(outcomes.length)],
      ['done', count('done')],
      ['done before', count('skipped')],
      ['failed', count('failed')],
      ['unfinished', count('unfinished')],
    ]),
    renderTable('Files', ['', '', 'source', 'output', 'took', 'restlessness'], rows),
  ];
  return renderPage(title, body.join('\n'));
}

async function describe(outcome: FileOutcome, folder: string): Promise<TableRow> {
  const name = escapeHtml(outcome.name);
  if (outcome.status === 'failed') {
    const { message, hint } = outcome.error;
    const words = hint === undefined ? message : `${message} ${hint}`;
    return { mark: 'failed', cells: ['failed', '', name, escapeHtml(words), '', ''] };
  }
  if (outcome.status === 'unfinished')
    return { mark: 'warning', cells: ['unfinished', '', name, '', '', ''] };
  const relative = (file: string): string => path.relative(folder, file).replaceAll(path.sep, '/');
  const files = reportFilesFor(path.dirname(outcome.report), path.dirname(outcome.output), outcome.output);
  const report = await readReport(files.json);
  const address = escapeAddress(relative(outcome.report));
  const still = report?.stills[Math.floor(report.stills.length / 2)];
  const picture =
    still === undefined
      ? ''
      : `<a href="${address}"><img class="thumb" loading="lazy" alt="" src="${escapeAddress(relative(path.join(path.dirname(outcome.report), still.after)))}"></a>`;
  const isRight = report?.verify?.ok !== false;
  const words = !isRight ? 'falls short' : report?.damage === null ? outcome.status : 'source damaged';
  const flicker = report?.flicker ?? null;
  return {
    mark: !isRight ? 'failed' : report?.damage === null ? 'ok' : 'warning',
    cells: [
      words === 'skipped' ? 'done before' : words,
      picture,
      name,
      `<a href="${address}">${escapeHtml(path.basename(outcome.output))}</a> (${formatBytes(report?.bytes ?? 0)})`,
      formatDuration(report?.seconds ?? 0),
      flicker === null ? '' : `${flicker.source.toFixed(2)} → ${flicker.output.toFixed(2)}`,
    ],
  };
}
