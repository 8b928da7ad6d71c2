import path from 'node:path';
import { RENDER_PRESET_NAME, renderKdenlivePreset, renderShotcutPreset } from './render-presets.ts';
import { renderResolveScript } from './resolve-script.ts';

/** Where things are on a system. */
export interface HostSystem {
  readonly platform: NodeJS.Platform;
  readonly home: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Program and first arguments that run Upreel. */
  readonly command: readonly string[];
}

/** What connects an editor with Upreel. */
export interface HostSetup {
  readonly title: string;
  /** The file that is put in place; null where the editor can call nothing by itself. */
  readonly file: { readonly path: string; readonly text: string } | null;
  /** What remains to be done by hand, each a sentence. */
  readonly steps: readonly string[];
}

export const HOSTS = ['resolve', 'kdenlive', 'shotcut', 'final-cut', 'media-encoder'] as const;
export type HostName = (typeof HOSTS)[number];

const WATCHED = [
  'Make a folder for exports, and run: upreel watch FOLDER',
  'What is exported there is upscaled into FOLDER/upreel, each file once and when it is whole.',
];

export function describeHost(name: HostName, system: HostSystem): HostSetup {
  switch (name) {
    case 'resolve':
      return {
        title: 'DaVinci Resolve',
        file: { path: findResolveScript(system), text: renderResolveScript(system.command) },
        steps: [
          'Start Resolve anew: it looks for scripts when it starts.',
          'On the Deliver page choose Video > Advanced Settings > Trigger script at > End of render job > Upreel.',
        ],
      };
    case 'kdenlive':
      return {
        title: 'Kdenlive',
        file: {
          path: path.join(findLocalData(system), 'kdenlive', 'export', 'upreel.xml'),
          text: renderKdenlivePreset(),
        },
        steps: [
          `Start Kdenlive anew, and choose Project > Render > Upreel > ${RENDER_PRESET_NAME}.`,
          ...afterRender(system, 'org.kde.kdenlive/data/kdenlive/export'),
        ],
      };
    case 'shotcut':
      return {
        title: 'Shotcut',
        file: {
          path: path.join(
            ...[findLocalData(system), 'Meltytech', 'Shotcut', 'presets', 'encode', RENDER_PRESET_NAME],
          ),
          text: renderShotcutPreset(),
        },
        steps: [
          `Start Shotcut anew, and choose Export > Presets > Custom > ${RENDER_PRESET_NAME}.`,
          ...afterRender(system, 'org.shotcut.Shotcut/data/Meltytech/Shotcut/presets/encode'),
        ],
      };
    case 'final-cut':
      return {
        title: 'Final Cut Pro',
        file: null,
        steps: [
          ...WATCHED,
          'In Final Cut choose Settings > Destinations, add an "Export File" destination, and save its exports into that folder.',
          'With Compressor, set the location of the batch to that folder.',
        ],
      };
    case 'media-encoder':
      return {
        title: 'Adobe Media Encoder',
        file: null,
        steps: [
          ...WATCHED,
          'In Media Encoder set the output of the queue, or of a watch folder of its own, to that folder.',
        ],
      };
  }
}

/** @param flatpak - where the program keeps presets when it runs as a Flatpak, below `~/.var/app` */
function afterRender({ platform }: HostSystem, flatpak: string): readonly string[] {
  return [
    ...(platform === 'linux' ? [`A Flatpak looks elsewhere: copy the file to ~/.var/app/${flatpak}.`] : []),
    'It calls nothing when a render is done, so let Upreel look at the folder that it renders to.',
    ...WATCHED,
    'Before the grade, upscale what the project shows: upreel conform PROJECT --to 4k',
  ];
}

/** Where Resolve looks for scripts of the Deliver page, in the user's own folder. */
function findResolveScript({ platform, home, environment }: HostSystem): string {
  const folder = path.join('Fusion', 'Scripts', 'Deliver', 'Upreel.lua');
  if (platform === 'darwin') {
    const support = path.join(home, 'Library', 'Application Support');
    return path.join(support, 'Blackmagic Design', 'DaVinci Resolve', folder);
  }
  if (platform === 'win32') {
    const roaming = environment['APPDATA'] ?? path.join(home, 'AppData', 'Roaming');
    return path.join(roaming, 'Blackmagic Design', 'DaVinci Resolve', 'Support', folder);
  }
  return path.join(findLocalData({ platform, home, environment }), 'DaVinciResolve', folder);
}

/** Where programs made with Qt keep what is local to a user. */
function findLocalData({ platform, home, environment }: Omit<HostSystem, 'command'>): string {
  if (platform === 'darwin') return path.join(home, 'Library', 'Application Support');
  if (platform === 'win32') return environment['LOCALAPPDATA'] ?? path.join(home, 'AppData', 'Local');
  return environment['XDG_DATA_HOME'] ?? path.join(home, '.local', 'share');
}
