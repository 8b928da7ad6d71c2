import type { CommandName } from '../config/option-table.ts';

/** Options as yargs hands them over: text or flags, read and checked by `config`. */
export type RawArguments = Readonly<Record<string, unknown>> & { readonly _: readonly (string | number)[] };

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
    name: 'doctor',
    usage: 'doctor',
    summary: 'Say what this machine has and can do for Upreel',
    positionals: [],
    load: async () => (await import('./command-doctor.ts')).runDoctorCommand,
  },
];
