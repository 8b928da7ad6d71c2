import type { CommandName } from '../config/option-table.ts';
import type { RawArguments } from './raw-arguments.ts';

/** One command: gets the raw arguments, prints, and returns the exit code. */
export type Command = (raw: RawArguments) => Promise<number>;

export interface CommandEntry {
  readonly name: CommandName;
  /** As yargs reads it; options follow. */
  readonly usage: string;
  /** One sentence without a full stop. */
  readonly summary: string;
  /** Arguments that are no options. */
  readonly positionals: readonly { readonly name: string; readonly help: string }[];
  /** Loaded when it is asked for, so that help and probes start at once. */
  readonly load: () => Promise<Command>;
}

export const COMMAND_TABLE: readonly CommandEntry[] = [
  {
    name: 'upscale',
    usage: 'upscale [input]',
    summary: 'Upscale a video; the result is verified and described',
    positionals: [],
    load: async () => (await import('./command-upscale.ts')).runUpscaleCommand,
  },
  {
    name: 'plan',
    usage: 'plan [input]',
    summary: 'Say what upscale would do, and why, without doing it',
    positionals: [],
    load: async () => (await import('./command-plan.ts')).runPlanCommand,
  },
  {
    name: 'probe',
    usage: 'probe <input>',
    summary: 'Say what a file really is',
    positionals: [{ name: 'input', help: 'A video, a picture or a pattern (shot.%04d.png)' }],
    load: async () => (await import('./command-probe.ts')).runProbeCommand,
  },
  {
    name: 'verify',
    usage: 'verify <source> <output>',
    summary: 'Compare a finished file with its source',
    positionals: [
      { name: 'source', help: 'What was upscaled' },
      { name: 'output', help: 'What came out' },
    ],
    load: async () => (await import('./command-verify.ts')).runVerifyCommand,
  },
  {
    name: 'compare',
    usage: 'compare <reference> <output>',
    summary: 'Say how like its reference a file is, frame by frame',
    positionals: [
      { name: 'reference', help: 'What it should look like' },
      { name: 'output', help: 'What is judged, of the same size, frame rate and frames' },
    ],
    load: async () => (await import('./command-compare.ts')).runCompareCommand,
  },
  {
    name: 'fidelity',
    usage: 'fidelity <source> <output>',
    summary: 'Say how much of an upscaled picture its source says, and how much was added',
    positionals: [
      { name: 'source', help: 'What was upscaled' },
      { name: 'output', help: 'What came out, by whatever program' },
    ],
    load: async () => (await import('./command-fidelity.ts')).runFidelityCommand,
  },
  {
    name: 'preview',
    usage: 'preview <input>',
    summary: 'Watch a video upscaled in real time beside the original, in the browser or any HLS player',
    positionals: [{ name: 'input', help: 'A video or a pattern (shot.%04d.png)' }],
    load: async () => (await import('./command-preview.ts')).runPreviewCommand,
  },
  {
    name: 'stream',
    usage: 'stream <source> <destination>',
    summary: 'Upscale a live source in real time and send it on',
    positionals: [
      {
        name: 'source',
        help: 'rtmp://, srt://, udp://, rtsp://, tcp://, /dev/video0, or - for standard input',
      },
      {
        name: 'destination',
        help: 'rtmp://, srt://, udp://, rtsp://, tcp://, or a playlist (folder/stream.m3u8)',
      },
    ],
    load: async () => (await import('./command-stream.ts')).runStreamCommand,
  },
  {
    name: 'still',
    usage: 'still <input>',
    summary: 'Draw whole frames by several models on one sheet',
    positionals: [{ name: 'input', help: 'A video, a picture or a pattern (shot.%04d.png)' }],
    load: async () => (await import('./command-models-compare.ts')).runStillCommand,
  },
  {
    name: 'doctor',
    usage: 'doctor',
    summary: 'Say what this machine has and can do for Upreel',
    positionals: [],
    load: async () => (await import('./command-doctor.ts')).runDoctorCommand,
  },
  {
    name: 'submit',
    usage: 'submit [input]',
    summary: 'Plan a video, or a folder of them, and hand the work to the machines of a cluster',
    positionals: [],
    load: async () => (await import('./command-submit.ts')).runSubmitCommand,
  },
  {
    name: 'worker',
    usage: 'worker',
    summary: 'Work on what was handed in to a cluster, until Ctrl-C',
    positionals: [],
    load: async () => (await import('./command-worker.ts')).runWorkerCommand,
  },
  {
    name: 'jobs list',
    usage: 'jobs list [folder]',
    summary: 'List runs that were begun and not finished, or with --queue the jobs of a cluster',
    positionals: [
      { name: 'folder', help: 'Where to look for them, and below; the current folder when left out' },
    ],
    load: async () => (await import('./command-jobs.ts')).runJobsListCommand,
  },
  {
    name: 'jobs clean',
    usage: 'jobs clean [folder]',
    summary: 'Remove what unfinished runs have left; those that are under way stay',
    positionals: [
      { name: 'folder', help: 'Where to look for them, and below; the current folder when left out' },
    ],
    load: async () => (await import('./command-jobs.ts')).runJobsCleanCommand,
  },
  {
    name: 'jobs cancel',
    usage: 'jobs cancel <id>',
    summary: 'Take a job out of the queue of a cluster; with --store also its segments out of the store',
    positionals: [{ name: 'id', help: 'Its id, or as much of it as no other has' }],
    load: async () => (await import('./command-jobs-cluster.ts')).runJobsCancelCommand,
  },
  {
    name: 'jobs retry',
    usage: 'jobs retry <id>',
    summary: 'Hand a failed job of a cluster in once more; its finished segments count',
    positionals: [{ name: 'id', help: 'Its id, or as much of it as no other has' }],
    load: async () => (await import('./command-jobs-cluster.ts')).runJobsRetryCommand,
  },
  {
    name: 'jobs priority',
    usage: 'jobs priority <id> <number>',
    summary: 'Let a job of a cluster go before or behind others: smaller numbers first',
    positionals: [
      { name: 'id', help: 'Its id, or as much of it as no other has' },
      { name: 'number', help: 'From 0 to 1000; 100 is usual' },
    ],
    load: async () => (await import('./command-jobs-cluster.ts')).runJobsPriorityCommand,
  },
  {
    name: 'conform',
    usage: 'conform <timeline>',
    summary: 'Upscale the parts of the media that a timeline shows, and write the timeline anew with them',
    positionals: [
      { name: 'timeline', help: 'A project of Kdenlive or Shotcut (MLT), an OTIO file or an EDL (CMX3600)' },
    ],
    load: async () => (await import('./command-conform.ts')).runConformCommand,
  },
  {
    name: 'watch',
    usage: 'watch <folder>',
    summary: 'Upscale whatever is put into a folder, each file once and when it is whole',
    positionals: [{ name: 'folder', help: 'The folder that an exporter or a camera offload writes to' }],
    load: async () => (await import('./command-watch.ts')).runWatchCommand,
  },
  {
    name: 'hook run',
    usage: 'hook run [file]',
    summary:
      'Upscale what an editor has exported, for its post-render hook or a script; prints one line of JSON',
    positionals: [
      {
        name: 'file',
        help: 'What was exported; - reads a job as JSON from standard input; UPREEL_FILE when left out',
      },
    ],
    load: async () => (await import('./command-hook-run.ts')).runHookRunCommand,
  },
  {
    name: 'hook install',
    usage: 'hook install <host>',
    summary: "Put an editor's script in place, and say what remains to be done by hand",
    positionals: [{ name: 'host', help: 'resolve, kdenlive, shotcut, final-cut or media-encoder' }],
    load: async () => (await import('./command-hook-install.ts')).runHookInstallCommand,
  },
  {
    name: 'hook uninstall',
    usage: 'hook uninstall <host>',
    summary: 'Take it out again',
    positionals: [{ name: 'host', help: 'resolve, kdenlive, shotcut, final-cut or media-encoder' }],
    load: async () => (await import('./command-hook-install.ts')).runHookUninstallCommand,
  },
  {
    name: 'models list',
    usage: 'models list',
    summary: 'List the models that are there',
    positionals: [],
    load: async () => (await import('./command-models.ts')).runModelsListCommand,
  },
  {
    name: 'models show',
    usage: 'models show <model>',
    summary: 'Say all that is known of a model',
    positionals: [{ name: 'model', help: 'Its name, or the path of a model file' }],
    load: async () => (await import('./command-models.ts')).runModelsShowCommand,
  },
  {
    name: 'models add',
    usage: 'models add <file>',
    summary: "Check a model and store it in the user's folder of models",
    positionals: [
      { name: 'file', help: 'Path or https address of the model; of an ncnn pair, that of the .param' },
    ],
    load: async () => (await import('./command-models-add.ts')).runModelsAddCommand,
  },
  {
    name: 'models remove',
    usage: 'models remove <model>',
    summary: 'Remove a model that was added',
    positionals: [{ name: 'model', help: 'Its name' }],
    load: async () => (await import('./command-models.ts')).runModelsRemoveCommand,
  },
  {
    name: 'models bench',
    usage: 'models bench [model..]',
    summary: 'Measure how fast models are on this machine, and what they gain over Lanczos',
    positionals: [{ name: 'model', help: 'Names or paths of models; all that are there when left out' }],
    load: async () => (await import('./command-models-bench.ts')).runModelsBenchCommand,
  },
  {
    name: 'models compare',
    usage: 'models compare <input>',
    summary: 'Draw one moment by several models side by side, to choose by looking',
    positionals: [{ name: 'input', help: 'A video, a picture or a pattern (shot.%04d.png)' }],
    load: async () => (await import('./command-models-compare.ts')).runModelsCompareCommand,
  },
];

/** Commands whose names begin with one word, which is no command itself. */
export interface CommandGroup {
  readonly name: string;
  /** One sentence without a full stop. */
  readonly summary: string;
  /** The command that is meant where the group's name stands alone. */
  readonly default?: CommandName;
}

export const COMMAND_GROUPS: readonly CommandGroup[] = [
  {
    name: 'jobs',
    summary: 'List and remove unfinished runs; list and steer the jobs of a cluster',
    default: 'jobs list',
  },
  { name: 'hook', summary: 'Upscale from inside an editor: after its exports' },
  { name: 'models', summary: 'List, add, remove, measure and compare models' },
];

/** The commands of a group. */
export function listGroup({ name }: CommandGroup): readonly CommandEntry[] {
  return COMMAND_TABLE.filter((entry) => entry.name.startsWith(`${name} `));
}
