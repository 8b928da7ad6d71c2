import { statSync } from 'node:fs';
import path from 'node:path';

/** Whether an output that was asked for is a folder: one that is there, or a path that ends as one. */
export function namesFolder(asked: string): boolean {
  return /[/\\]$/.test(asked) || statSync(asked, { throwIfNoEntry: false })?.isDirectory() === true;
}

/** `<input>.upreel.<extension>` beside the input, or in the folder that `asked` names, unless `asked` is a path of its own. */
export function chooseOutputPath(input: string, asked: string | undefined, extension: string): string {
  if (asked === '-') return '-';
  if (asked !== undefined && !namesFolder(asked)) return path.resolve(asked);
  const { dir, name } = path.parse(path.resolve(input));
  return path.resolve(asked ?? dir, `${name.replace(/[._-]*%\d*d/, '')}.upreel.${extension}`);
}
