import { stat } from 'node:fs/promises';
import path from 'node:path';
import type { SettingsLayer } from '../config/resolve-options.ts';
import { readSettingsFile, SETTINGS_NAME, type SettingsFile } from '../config/settings-file.ts';
import { readOption } from './arguments.ts';
import type { RawArguments } from './raw-arguments.ts';

/**
 * Finds the settings of files: those of `--config`, or of the `upreel.yaml` in each folder from `root` down to the file's, where the nearer
 * win. Each is read once; throws `USAGE` for one that makes no sense.
 */
export function createSettings(
  raw: RawArguments,
  root: string,
): (source: string) => Promise<readonly SettingsLayer[]> {
  const config = readOption(raw, 'config') as string | undefined;
  const known = new Map<string, Promise<SettingsFile | null>>();
  const read = (file: string, isAsked: boolean): Promise<SettingsFile | null> => {
    const found = known.get(file) ?? readIfThere(file, isAsked);
    known.set(file, found);
    return found;
  };
  return async (source) => {
    const files =
      config === undefined
        ? listFolders(path.resolve(root), path.dirname(path.resolve(source))).map((folder) =>
            read(path.join(folder, SETTINGS_NAME), false),
          )
        : [read(config, true)];
    return (await Promise.all(files)).flatMap((file) => file?.layersFor(path.resolve(source)) ?? []);
  };
}

async function readIfThere(file: string, isAsked: boolean): Promise<SettingsFile | null> {
  const isThere = isAsked || (await stat(file).catch(() => null)) !== null;
  return isThere ? readSettingsFile(file) : null;
}

/** `root` and the folders below it that lead to `folder`. */
function listFolders(root: string, folder: string): string[] {
  const steps = path
    .relative(root, folder)
    .split(path.sep)
    .filter((step) => step !== '');
  return [root, ...steps.map((_, i) => path.join(root, ...steps.slice(0, i + 1)))];
}
