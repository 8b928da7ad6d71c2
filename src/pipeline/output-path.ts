import { statSync } from 'node:fs';
import path from 'node:path';

/** Whether an output that was asked for is a folder: one that is there, or a path that ends as one. */
export function namesFolder(asked: string): boolean {
  return /[/\\]$/.test(asked) || statSync(asked, { throwIfNoEntry: false })?.isDirectory() === true;
}

/** Where an output goes: the path that was asked for, or `name` in the folder that was, or `name` beside the input. */
export function resolveOutput(asked: string | undefined, input: string, name: string): string {
  if (asked !== undefined && !namesFolder(asked)) return path.resolve(asked);
  return path.resolve(asked ?? path.dirname(input), name);
}

/** What an input is called, without its ending and without the number of a pattern. */
export function stemOf(input: string): string {
  return path.parse(input).name.replace(/[._-]*%\d*d/, '');
}

/** `<input>.upreel.<extension>` beside the input or in a folder that is asked for, unless another path is, or standard output. */
export function chooseOutputPath(input: string, asked: string | undefined, extension: string): string {
  return asked === '-' ? '-' : resolveOutput(asked, input, `${stemOf(input)}.upreel.${extension}`);
}
