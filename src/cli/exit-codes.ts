import type { ErrorCode } from '../core/errors.ts';

/** What the process's exit code says. Stable, documented in docs/exit-codes.md. */
export const EXIT_CODES = {
  ok: 0,
  internal: 1,
  usage: 2,
  source: 3,
  output: 4,
  model: 5,
  encoder: 6,
  damaged: 7,
  unverified: 8,
  partly: 9,
  cluster: 10,
  interrupted: 130,
} as const;

export type ExitName = keyof typeof EXIT_CODES;

/** One sentence for each exit code, for the documentation. */
export const EXIT_MEANINGS: Readonly<Record<ExitName, string>> = {
  ok: 'Done, and the output was found right.',
  internal: 'An error inside Upreel.',
  usage: 'An option or argument makes no sense.',
  source: 'The source is missing, unreadable, encrypted, damaged beyond use, or holds no video.',
  output:
    'The output exists, cannot be written, is being made by another run, is the source itself, or the disk is full.',
  model: 'The model is missing or is no upscaler, the device cannot be opened, or memory does not suffice.',
  encoder: 'The encoder or container cannot do what is asked, or ffmpeg failed or was not found.',
  damaged: 'Done, but the source was damaged: what could be decoded is in the output, the loss was reported.',
  unverified: 'The output was written, and verification found that it falls short.',
  partly: 'Some files of a folder failed; the others are done.',
  cluster: 'The queue or the store of a cluster cannot be used.',
  interrupted: 'Interrupted; the same command goes on where it stopped.',
};

/** The exit code's name for each cause of failure. */
export const EXIT_OF_ERROR: Readonly<Record<ErrorCode, ExitName>> = {
  USAGE: 'usage',
  PLAN_INVALID: 'usage',
  SOURCE_NOT_FOUND: 'source',
  SOURCE_UNREADABLE: 'source',
  SOURCE_NO_VIDEO: 'source',
  SOURCE_ENCRYPTED: 'source',
  SOURCE_DAMAGED: 'source',
  DECODER_FAILED: 'source',
  OUTPUT_EXISTS: 'output',
  OUTPUT_IS_SOURCE: 'output',
  OUTPUT_UNWRITABLE: 'output',
  OUTPUT_BUSY: 'output',
  DISK_SPACE: 'output',
  MODEL_NOT_FOUND: 'model',
  MODEL_INVALID: 'model',
  DEVICE_UNAVAILABLE: 'model',
  DEVICE_OUT_OF_MEMORY: 'model',
  INFERENCE_FAILED: 'model',
  MEMORY_BUDGET: 'model',
  CONTAINER_MISFIT: 'encoder',
  ENCODER_UNAVAILABLE: 'encoder',
  ENCODER_LIMIT: 'encoder',
  ENCODER_FAILED: 'encoder',
  FFMPEG_NOT_FOUND: 'encoder',
  FFMPEG_FAILED: 'encoder',
  QUEUE_UNREACHABLE: 'cluster',
  STORE_UNUSABLE: 'cluster',
  VERIFY_FAILED: 'unverified',
  ABORTED: 'interrupted',
  LANE_FAILED: 'internal',
  INTERNAL: 'internal',
};

export function exitCodeOf(code: ErrorCode): number {
  return EXIT_CODES[EXIT_OF_ERROR[code]];
}
