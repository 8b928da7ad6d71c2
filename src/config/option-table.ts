import { PRESETS } from './presets.ts';
import type { UpscaleOptions } from './upscale-options.ts';

/** How a value is written on the command line and what it becomes. */
export type OptionType = 'text' | 'number' | 'integer' | 'size' | 'arguments' | 'list' | 'flag';

export const OPTION_GROUPS = ['Files', 'Picture', 'Encoding', 'Machine', 'Cluster', 'Messages'] as const;
export type OptionGroup = (typeof OPTION_GROUPS)[number];

/** A command of two words is one of a group. */
export const COMMANDS = [
  'upscale',
  'plan',
  'probe',
  'verify',
  'compare',
  'fidelity',
  'preview',
  'stream',
  'still',
  'doctor',
  'submit',
  'worker',
  'jobs list',
  'jobs clean',
  'jobs cancel',
  'jobs retry',
  'jobs priority',
  'models list',
  'models show',
  'models add',
  'models remove',
  'models bench',
  'models compare',
  'hook run',
  'hook install',
  'hook uninstall',
  'watch',
  'conform',
] as const;
export type CommandName = (typeof COMMANDS)[number];

/** One row of the table: everything that the command line, its help, the documentation and the library know of an option. */
export interface OptionSpec {
  /** Long name, without dashes. */
  readonly name: string;
  /** One letter. */
  readonly alias?: string;
  readonly type: OptionType;
  /** The field of {@link UpscaleOptions} that it sets; options of the command line alone have none. */
  readonly key?: keyof UpscaleOptions;
  /** Value when nothing is given; undefined where it follows from something else, which `help` says. */
  readonly default?: string | number | boolean | readonly string[];
  readonly choices?: readonly string[];
  /** What stands for the value in help. */
  readonly placeholder?: string;
  readonly group: OptionGroup;
  /** One sentence, no full stop. */
  readonly help: string;
  readonly commands: readonly CommandName[];
  /** Smallest and largest number. */
  readonly range?: readonly [least: number, most: number];
}

/** What upscales one file. */
const ONE_FILE: readonly CommandName[] = ['upscale', 'plan', 'hook run'];
/** What upscales. */
const RUN: readonly CommandName[] = [...ONE_FILE, 'watch', 'conform', 'submit'];
/** What takes a folder of files as well as one file. */
const FOLDERS: readonly CommandName[] = ['upscale', 'plan'];
/** What plans sources, to run them here or elsewhere. */
const PLANS: readonly CommandName[] = [...FOLDERS, 'submit'];
const CLUSTER: readonly CommandName[] = [
  'submit',
  'worker',
  'jobs list',
  'jobs cancel',
  'jobs retry',
  'jobs priority',
];
/** What makes pictures of a source. */
const SHEETS: readonly CommandName[] = ['models compare', 'still'];
const WATCHED: readonly CommandName[] = ['preview'];
const PICTURES: readonly CommandName[] = [...RUN, ...SHEETS, ...WATCHED];
const WITH_FFMPEG: readonly CommandName[] = [
  ...([...RUN, 'worker', 'probe', 'verify', 'compare', 'fidelity', 'doctor', 'models bench'] as const),
  ...SHEETS,
  ...WATCHED,
  'stream',
];
const ALL: readonly CommandName[] = COMMANDS;

/** Every option. Nothing else in the product names, describes or defaults one. */
export const OPTION_TABLE = [
  {
    name: 'input',
    alias: 'i',
    type: 'text',
    placeholder: 'PATH',
    group: 'Files',
    help: 'Source: a video, a picture, a pattern (shot.%04d.png), a folder of files or - for standard input; also the first argument',
    commands: PLANS,
  },
  {
    name: 'output',
    alias: 'o',
    type: 'text',
    key: 'output',
    placeholder: 'PATH',
    group: 'Files',
    help: 'Output: a file, a pattern for pictures, - for standard output, or of a folder the folder for all outputs; <input>.upreel.<ext> beside the input when left out, of a sheet <input>.compare.png, of a still <input>.still.png, of a timeline <name>.upreel.<ext>; of a watched folder a folder, upreel in it when left out',
    commands: [...RUN, ...SHEETS],
  },
  {
    name: 'overwrite',
    alias: 'y',
    type: 'flag',
    key: 'overwrite',
    default: false,
    group: 'Files',
    help: 'Replace an output that exists',
    commands: [...RUN, ...SHEETS, 'models add', 'fidelity', 'compare'],
  },
  {
    name: 'no-overwrite',
    alias: 'n',
    type: 'flag',
    group: 'Files',
    help: 'Never replace an output that exists, and never ask',
    commands: [...ONE_FILE, 'submit'],
  },
  {
    name: 'input-frame-rate',
    type: 'text',
    key: 'inputFrameRate',
    placeholder: 'RATE',
    group: 'Files',
    help: 'Frames a second of picture sequences and raw streams, as 25 or 30000/1001',
    commands: [...RUN, 'probe', 'verify', 'compare', 'fidelity', ...SHEETS, ...WATCHED],
  },
  {
    name: 'provenance',
    type: 'text',
    key: 'provenance',
    default: 'auto',
    choices: ['auto', 'sidecar', 'none'],
    placeholder: 'WHERE',
    group: 'Files',
    help: 'Where the output says that it was upscaled, by which model and from what: auto in its tags, or beside it where it holds none; sidecar in <output>.provenance.json as well; none',
    commands: RUN,
  },
  {
    name: 'no-provenance',
    type: 'flag',
    group: 'Files',
    help: 'Say nothing of it, as --provenance none',
    commands: RUN,
  },
  {
    name: 'config',
    type: 'text',
    placeholder: 'FILE',
    group: 'Files',
    help: 'Settings by file, in YAML; upreel.yaml beside the files when left out',
    commands: RUN,
  },
  {
    name: 'recursive',
    type: 'flag',
    default: false,
    group: 'Files',
    help: 'Of a folder, take the files in the folders below as well',
    commands: PLANS,
  },
  {
    name: 'include',
    type: 'list',
    placeholder: 'PATTERN',
    group: 'Files',
    help: "Of a folder, take the files that match, such as '*.{avi,dv}' or 'wedding/**'; all that are video by name when left out",
    commands: PLANS,
  },
  {
    name: 'exclude',
    type: 'list',
    placeholder: 'PATTERN',
    group: 'Files',
    help: 'Of a folder, leave out the files that match',
    commands: PLANS,
  },
  {
    name: 'report',
    type: 'text',
    placeholder: 'FOLDER',
    group: 'Files',
    help: 'Folder for a page and a JSON document on each file; upreel-report beside the outputs of a folder when left out, none for a single file',
    commands: FOLDERS,
  },
  {
    name: 'frames',
    type: 'text',
    key: 'frames',
    placeholder: 'FIRST:END',
    group: 'Files',
    help: 'Only these frames of the source, with their sound and timecode: 100:200 begins with frame 100 (the first is 0) and ends before frame 200',
    commands: ONE_FILE,
  },
  {
    name: 'heatmap',
    type: 'text',
    placeholder: 'PATH',
    group: 'Files',
    help: 'Draw where the output departs from its source, as a PNG picture',
    commands: ['fidelity'],
  },
  {
    name: 'align',
    type: 'flag',
    default: false,
    group: 'Files',
    help: "Find the frame that both files begin with, compare the frames that both have, and scale the output to the reference's size",
    commands: ['compare'],
  },
  {
    name: 'html',
    type: 'text',
    placeholder: 'FOLDER',
    group: 'Files',
    help: 'Write a page with curves over the frames and the worst frames as pictures: compare.html in this folder',
    commands: ['compare'],
  },
  {
    name: 'dry-run',
    type: 'flag',
    default: false,
    group: 'Files',
    help: 'Say what would be put where or taken out, and do nothing',
    commands: ['hook install', 'hook uninstall'],
  },
  {
    name: 'settle',
    type: 'number',
    placeholder: 'SECONDS',
    default: 5,
    range: [0, 86_400],
    group: 'Files',
    help: 'How long size and time of a file must stand still before it is taken; one that looks unfinished is waited for twelve times as long',
    commands: ['watch'],
  },
  {
    name: 'once',
    type: 'flag',
    default: false,
    group: 'Files',
    help: 'End when all that lies in the folder is done, instead of waiting for more',
    commands: ['watch'],
  },
  {
    name: 'handles',
    type: 'integer',
    placeholder: 'N',
    default: 12,
    range: [0, 100_000],
    group: 'Files',
    help: 'Frames of the media that are upscaled beyond each end of what the timeline shows',
    commands: ['conform'],
  },
  {
    name: 'media',
    type: 'list',
    placeholder: 'FOLDER',
    group: 'Files',
    help: 'Folder to look for the media in, where they are not where the timeline says; several with commas or several times',
    commands: ['conform'],
  },
  {
    name: 'plan',
    type: 'flag',
    default: false,
    group: 'Files',
    help: 'Say what would be upscaled, how long it takes and how much disk, and do nothing',
    commands: ['conform'],
  },
  {
    name: 'strict',
    type: 'flag',
    key: 'strict',
    default: false,
    group: 'Files',
    help: 'Refuse damaged sources instead of upscaling what can be decoded',
    commands: RUN,
  },
  {
    name: 'name',
    type: 'text',
    placeholder: 'ID',
    group: 'Files',
    help: 'Name of the model that is added; made from the name of its file when left out',
    commands: ['models add'],
  },
  {
    name: 'sha256',
    type: 'text',
    placeholder: 'HEX',
    group: 'Files',
    help: 'What the file must hash to; of an ncnn pair, the .param followed by the .bin',
    commands: ['models add'],
  },
  {
    name: 'license',
    type: 'text',
    placeholder: 'TEXT',
    default: 'unknown',
    group: 'Files',
    help: 'Licence of the model that is added, for its manifest',
    commands: ['models add'],
  },
  {
    name: 'at',
    type: 'list',
    placeholder: 'TIME',
    group: 'Picture',
    help: 'Moment to show, as 12.5, 1:02.5 or 1:00:02.5 from the start; several with commas or several times',
    commands: SHEETS,
  },
  {
    name: 'models',
    type: 'list',
    placeholder: 'A,B,C',
    group: 'Picture',
    help: 'Models to show, by name or path, filters among them; all that are there when left out',
    commands: SHEETS,
  },
  {
    name: 'crop',
    type: 'text',
    placeholder: 'WxH+X+Y',
    group: 'Picture',
    help: "Part of the source's picture as shown, in its pixels; 160x120 where there is most detail when left out",
    commands: ['models compare'],
  },
  {
    name: 'zoom',
    type: 'integer',
    placeholder: 'N',
    default: 2,
    range: [1, 16],
    group: 'Picture',
    help: 'How many pixels of the sheet, across and down, each pixel of the results gets',
    commands: ['models compare'],
  },
  {
    name: 'size',
    type: 'text',
    placeholder: 'WxH',
    default: '640x360',
    group: 'Picture',
    help: 'Size of the frames that are timed',
    commands: ['models bench'],
  },
  {
    name: 'scale',
    type: 'number',
    key: 'scale',
    placeholder: 'N',
    group: 'Picture',
    help: 'Enlarge the picture as shown N times, any number above 1; 2 when neither --scale nor --to is given',
    commands: [...PICTURES, 'stream'],
  },
  {
    name: 'to',
    type: 'text',
    key: 'to',
    placeholder: 'SIZE',
    group: 'Picture',
    help: 'Fit the picture as shown into 720p, 1080p, 1440p, 4k, 8k or WxH, never cropped or stretched',
    commands: PICTURES,
  },
  {
    name: 'model',
    type: 'text',
    key: 'model',
    placeholder: 'NAME|PATH',
    group: 'Picture',
    help: 'Model by name, a baseline (bicubic, lanczos, nearest) or the path of an ONNX file; a+b runs one after the other, a:0.7,b:0.3 averages; see upreel doctor',
    commands: [...RUN, ...WATCHED, 'stream'],
  },
  {
    name: 'chroma',
    type: 'text',
    placeholder: 'HOW',
    key: 'chroma',
    default: 'auto',
    choices: ['auto', 'filter'],
    group: 'Picture',
    help: 'How colour grows beside a luma model: by a network guided by luma where one fits the source (auto), or by a plain filter',
    commands: [...RUN, ...WATCHED],
  },
  {
    name: 'deinterlace',
    type: 'text',
    placeholder: 'MODE',
    key: 'deinterlace',
    default: 'auto',
    choices: ['auto', 'off', 'frame', 'field'],
    group: 'Picture',
    help: 'What becomes of interlaced pictures: one frame of each (frame), one of each field at twice the rate (field)',
    commands: PICTURES,
  },
  {
    name: 'temporal',
    type: 'text',
    placeholder: 'STRENGTH',
    key: 'temporal',
    default: 'auto',
    choices: ['auto', 'off', 'low', 'medium', 'high'],
    group: 'Picture',
    help: 'How strongly neighbouring frames are blended along the motion, against noise and flicker',
    commands: PICTURES,
  },
  {
    name: 'faithful',
    type: 'flag',
    key: 'faithful',
    default: false,
    group: 'Picture',
    help: 'Keep to what the source says: sampled as the source was, the output gives its frames again, noise included; auto of --temporal and --model then choose nothing that cleans',
    commands: RUN,
  },
  {
    name: 'blended',
    type: 'flag',
    default: false,
    group: 'Picture',
    help: "Compare with the source's frames as blending over time (--temporal auto) leaves them, not as they are",
    commands: ['fidelity'],
  },
  {
    name: 'preset',
    type: 'text',
    key: 'preset',
    placeholder: 'NAME',
    choices: Object.keys(PRESETS),
    group: 'Encoding',
    help: 'A named set of options; options that are given as well win; hooks, watch and conform take mezzanine when left out',
    commands: RUN,
  },
  {
    name: 'encoder',
    type: 'text',
    key: 'encoder',
    default: 'auto',
    placeholder: 'PROFILE',
    group: 'Encoding',
    help: 'auto, auto-hw, h264, h265, av1, vp9, prores, dnxhr, ffv1, png, tiff, or a hardware encoder such as h264_nvenc',
    commands: RUN,
  },
  {
    name: 'crf',
    type: 'number',
    key: 'crf',
    placeholder: 'N',
    range: [0, 63],
    group: 'Encoding',
    help: "Constant quality on the encoder's own scale, lower is better; by the profile when left out",
    commands: RUN,
  },
  {
    name: 'encoder-preset',
    type: 'text',
    key: 'encoderPreset',
    placeholder: 'NAME',
    group: 'Encoding',
    help: "The encoder's own preset, such as slow or veryfast; by the profile when left out",
    commands: RUN,
  },
  {
    name: 'encoder-args',
    type: 'arguments',
    key: 'encoderArgs',
    default: [],
    placeholder: '"ARGS"',
    group: 'Encoding',
    help: 'Further arguments for the encoder, as one would write them for ffmpeg, in one pair of quotes',
    commands: RUN,
  },
  {
    name: 'audio',
    type: 'text',
    key: 'audio',
    default: 'copy',
    placeholder: 'copy|none|CODEC',
    group: 'Encoding',
    help: 'Sound: copied bit for bit where the container can hold it, left out, or transcoded to a codec',
    commands: RUN,
  },
  {
    name: 'device',
    type: 'text',
    placeholder: 'NAME',
    key: 'device',
    default: 'auto',
    choices: ['auto', 'cpu', 'cuda', 'tensorrt', 'directml', 'coreml', 'webgpu'],
    group: 'Machine',
    help: "Where the model runs; auto takes the machine's best that really opens",
    commands: [...PICTURES, 'worker', 'models bench', 'stream'],
  },
  {
    name: 'memory',
    type: 'size',
    key: 'memory',
    placeholder: 'SIZE',
    group: 'Machine',
    help: 'Memory that the whole run may use, such as 4G or 800M; 70 % of what is free when left out',
    commands: PICTURES,
  },
  {
    name: 'threads',
    type: 'integer',
    placeholder: 'N',
    range: [1, 256],
    group: 'Machine',
    help: 'Threads of the model on the CPU; one for each core when left out',
    commands: ['models bench'],
  },
  {
    name: 'workers',
    type: 'integer',
    key: 'workers',
    placeholder: 'N',
    range: [1, 256],
    group: 'Machine',
    help: 'Segments that are worked on at the same time; by cores, device and memory when left out',
    commands: [...RUN, ...WATCHED],
  },
  {
    name: 'jobs',
    type: 'integer',
    placeholder: 'N',
    default: 1,
    range: [1, 64],
    group: 'Machine',
    help: 'Files of a folder that are worked on at the same time; they share the cores, the lanes and the memory',
    commands: FOLDERS,
  },
  {
    name: 'tile',
    type: 'text',
    key: 'tile',
    default: 'auto',
    placeholder: 'auto|N',
    group: 'Machine',
    help: 'Largest tile that goes through the model at once, N x N samples; changes memory and speed, never a pixel',
    commands: PICTURES,
  },
  {
    name: 'segment-seconds',
    type: 'number',
    key: 'segmentSeconds',
    placeholder: 'N',
    range: [0.1, 86400],
    group: 'Machine',
    help: 'Length of a segment, the piece that is done again after an interruption; 20 when left out',
    commands: RUN,
  },
  {
    name: 'ffmpeg',
    type: 'text',
    key: 'ffmpeg',
    placeholder: 'PATH',
    group: 'Machine',
    help: 'The ffmpeg to use instead of the newer of the one on the PATH and the embedded one; also UPREEL_FFMPEG',
    commands: WITH_FFMPEG,
  },
  {
    name: 'ffprobe',
    type: 'text',
    key: 'ffprobe',
    placeholder: 'PATH',
    group: 'Machine',
    help: 'The ffprobe to use; also UPREEL_FFPROBE',
    commands: WITH_FFMPEG,
  },
  {
    name: 'queue',
    type: 'text',
    placeholder: 'URL',
    group: 'Cluster',
    help: 'Queue of the cluster, redis://HOST:PORT/DB, with TLS rediss://USER:PASSWORD@HOST:PORT/DB; also UPREEL_QUEUE, which other users of the machine do not see',
    commands: CLUSTER,
  },
  {
    name: 'store',
    type: 'text',
    placeholder: 'PLACE',
    group: 'Cluster',
    help: 'Folder that all machines of the cluster share, with the sources and the outputs in it, or s3://BUCKET/PREFIX; also UPREEL_STORE',
    commands: ['submit', 'worker', 'jobs cancel'],
  },
  {
    name: 'priority',
    type: 'integer',
    placeholder: 'N',
    default: 100,
    range: [0, 1000],
    group: 'Cluster',
    help: 'Jobs with smaller numbers go first',
    commands: ['submit'],
  },
  {
    name: 'lanes',
    type: 'integer',
    placeholder: 'N',
    range: [1, 256],
    group: 'Cluster',
    help: 'Segments that this machine works on at the same time; by its cores and device when left out',
    commands: ['worker'],
  },
  {
    name: 'metrics',
    type: 'integer',
    placeholder: 'PORT',
    range: [0, 65535],
    group: 'Cluster',
    help: 'Serve /metrics for Prometheus on this port, 0 for a free one; not served when left out',
    commands: ['worker'],
  },
  {
    name: 'host',
    type: 'text',
    placeholder: 'ADDRESS',
    default: '127.0.0.1',
    group: 'Machine',
    help: 'Address of this machine to serve on; others than loopback ask viewers for the token that is printed',
    commands: WATCHED,
  },
  {
    name: 'port',
    type: 'integer',
    placeholder: 'N',
    default: 0,
    range: [0, 65535],
    group: 'Machine',
    help: 'Port to serve on; any that is free when left out',
    commands: WATCHED,
  },
  {
    name: 'cache',
    type: 'size',
    placeholder: 'SIZE',
    group: 'Machine',
    help: 'Disk that finished pieces of the preview may take, such as 500M; 2G when left out, the oldest go first',
    commands: WATCHED,
  },
  {
    name: 'no-open',
    type: 'flag',
    group: 'Machine',
    help: 'Print the address of the page without opening it',
    commands: WATCHED,
  },
  {
    name: 'json',
    type: 'flag',
    default: false,
    group: 'Messages',
    help: 'Print the result as one JSON document on standard output',
    commands: ALL,
  },
  {
    name: 'progress',
    type: 'text',
    placeholder: 'FORM',
    default: 'auto',
    choices: ['auto', 'bar', 'plain', 'json', 'none'],
    group: 'Messages',
    help: 'How progress is shown on standard error: auto is a bar on a terminal and plain lines elsewhere; hooks show none unless asked',
    commands: ['upscale', 'hook run', 'watch', 'conform'],
  },
  {
    name: 'no-progress',
    type: 'flag',
    group: 'Messages',
    help: 'Show no progress',
    commands: ['upscale', 'hook run', 'watch', 'conform', 'models add', 'models bench', ...SHEETS, 'stream'],
  },
  {
    name: 'log-level',
    type: 'text',
    placeholder: 'LEVEL',
    default: 'warning',
    choices: ['error', 'warning', 'info', 'debug'],
    group: 'Messages',
    help: 'What is logged on standard error',
    commands: ALL,
  },
  {
    name: 'verbose',
    type: 'flag',
    default: false,
    group: 'Messages',
    help: 'Log everything, and show where in the program an error arose',
    commands: ALL,
  },
] as const satisfies readonly OptionSpec[];

/** The rows that `command` takes, in the table's order. */
export function optionsOf(command: CommandName): readonly OptionSpec[] {
  return (OPTION_TABLE as readonly OptionSpec[]).filter(({ commands }) => commands.includes(command));
}

/** The row of a field of {@link UpscaleOptions}. */
export function specOf(key: keyof UpscaleOptions): OptionSpec {
  const found = (OPTION_TABLE as readonly OptionSpec[]).find((spec) => spec.key === key);
  if (found === undefined) throw new TypeError(`No option sets ${key}.`);
  return found;
}

/** The row of an option by its long name. */
export function specNamed(name: string): OptionSpec {
  const found = (OPTION_TABLE as readonly OptionSpec[]).find((spec) => spec.name === name);
  if (found === undefined) throw new TypeError(`There is no option ${name}.`);
  return found;
}
