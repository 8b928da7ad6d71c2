import path from 'node:path';
import { z } from 'zod';
import type { UpscaleRequest } from '../config/resolve-options.ts';
import { UpscaleError } from '../core/errors.ts';

/** What a host asks for: a file that it has written, and how it shall be upscaled. */
export interface HookJob {
  readonly file: string;
  readonly request: UpscaleRequest;
}

/**
 * A job as a host or a script writes it on standard input. `TargetDir` and `OutputFilename` are what DaVinci Resolve's `GetRenderJobList`
 * calls them.
 */
const jobSchema = z.object({
  file: z.string().min(1).optional(),
  TargetDir: z.string().optional(),
  OutputFilename: z.string().optional(),
  output: z.string().min(1).optional(),
  preset: z.string().optional(),
  /** Further options by the names that the library has for them. */
  options: z.record(z.string(), z.unknown()).optional(),
});

/** What an editor wants when it says nothing else. */
const DEFAULT_PRESET = 'mezzanine';

/**
 * Puts a job together: what stands on the command line wins over the JSON on standard input, and that over the environment
 * (`UPREEL_FILE`, `UPREEL_OUTPUT`, `UPREEL_PRESET`). Throws `USAGE`.
 */
export function readJob(given: {
  /** The argument: a path, `-` for JSON on standard input, or nothing. */
  readonly file: string | undefined;
  readonly request: UpscaleRequest;
  /** Standard input, where the argument is `-`. */
  readonly stdin: string | null;
  readonly environment: Readonly<Record<string, string | undefined>>;
}): HookJob {
  const written = given.stdin === null ? {} : parseJob(given.stdin);
  const { environment } = given;
  const asked = given.file === '-' ? undefined : given.file;
  const file = firstOf(asked, written.file, joinTarget(written), environment['UPREEL_FILE']);
  if (file === undefined) {
    throw new UpscaleError('USAGE', 'No file was named.', {
      hint: 'Name it: upreel hook run FILE, or as "file" in JSON on standard input (upreel hook run -), or in UPREEL_FILE.',
    });
  }
  const output = firstOf(given.request.output, written.output, environment['UPREEL_OUTPUT']);
  const preset = firstOf(given.request.preset, written.preset, environment['UPREEL_PRESET'], DEFAULT_PRESET);
  return { file, request: { ...written.options, ...given.request, output, preset } };
}

function parseJob(text: string): z.infer<typeof jobSchema> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new UpscaleError('USAGE', 'Standard input holds no JSON.', {
      cause: error,
      hint: 'Write an object such as {"file": "/path/film.mov"}.',
    });
  }
  const parsed = jobSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new UpscaleError(
    'USAGE',
    `The job on standard input is wrong at ${issue?.path.join('.') || 'its top'}: ${issue?.message ?? ''}.`,
    { hint: 'Write an object such as {"file": "/path/film.mov", "preset": "mezzanine"}.' },
  );
}

function joinTarget({ TargetDir, OutputFilename }: z.infer<typeof jobSchema>): string | undefined {
  if (OutputFilename === undefined || OutputFilename === '') return undefined;
  return TargetDir === undefined ? OutputFilename : path.join(TargetDir, OutputFilename);
}

function firstOf(...values: readonly (string | undefined)[]): string | undefined {
  return values.find((value) => value !== undefined && value !== '');
}
