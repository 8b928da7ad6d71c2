/**
 * Every cause that Upreel can name. Codes are stable: programs match on them, never on message text.
 */
export const ERROR_CODES = [
  'USAGE', // an option or argument makes no sense
  'SOURCE_NOT_FOUND',
  'SOURCE_UNREADABLE', // not a media file, empty, or no header
  'SOURCE_NO_VIDEO',
  'SOURCE_ENCRYPTED',
  'SOURCE_DAMAGED', // decodes only in part and --strict refuses it; or not a single frame decodes
  'OUTPUT_EXISTS',
  'OUTPUT_IS_SOURCE',
  'OUTPUT_UNWRITABLE',
  'OUTPUT_BUSY', // another run is making it
  'CONTAINER_MISFIT', // a stream or a codec does not fit the container
  'ENCODER_UNAVAILABLE',
  'ENCODER_LIMIT', // size, format or rate beyond what the encoder can do
  'ENCODER_FAILED',
  'DECODER_FAILED',
  'FFMPEG_NOT_FOUND',
  'FFMPEG_FAILED',
  'MODEL_NOT_FOUND',
  'MODEL_INVALID', // not an ONNX graph, damaged, or not an upscaler
  'DEVICE_UNAVAILABLE',
  'DEVICE_OUT_OF_MEMORY',
  'INFERENCE_FAILED',
  'MEMORY_BUDGET', // cannot run within --memory
  'DISK_SPACE',
  'PLAN_INVALID',
  'QUEUE_UNREACHABLE', // no Redis answers, or it refuses
  'STORE_UNUSABLE', // no shared folder, or a path outside of it
  'LANE_FAILED',
  'VERIFY_FAILED',
  'ABORTED',
  'INTERNAL',
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];

export interface UpscaleErrorOptions {
  /** The way out, one sentence in the imperative: what the user can do now. */
  readonly hint?: string;
  /** What caused it. */
  readonly cause?: unknown;
  /** Whether the same work may succeed when tried again. @defaultValue false */
  readonly retryable?: boolean;
  /** Last words of a tool (ffmpeg's stderr), shown under the message. */
  readonly details?: string;
}

/** The one error type of the product. `message` is one clear sentence that names the file and the cause. */
export class UpscaleError extends Error {
  override readonly name = 'UpscaleError';
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly retryable: boolean;
  readonly details: string | undefined;

  constructor(code: ErrorCode, message: string, options: UpscaleErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
    this.retryable = options.retryable ?? false;
    this.details = options.details;
  }

  /** The plain object that crosses a worker thread; {@link UpscaleError.from} makes an error of it again. */
  toJSON(): SerializedError {
    return {
      code: this.code,
      message: this.message,
      ...(this.hint === undefined ? {} : { hint: this.hint }),
      ...(this.details === undefined ? {} : { details: this.details }),
      retryable: this.retryable,
    };
  }

  /** Returns `error` itself when it is an {@link UpscaleError}, else wraps it under `code`. */
  static from(error: unknown, code: ErrorCode = 'INTERNAL'): UpscaleError {
    if (error instanceof UpscaleError) return error;
    const message = error instanceof Error ? error.message : String(error);
    return new UpscaleError(code, message, { cause: error });
  }

  /** Revives what {@link UpscaleError.toJSON} wrote. */
  static revive(value: SerializedError): UpscaleError {
    return new UpscaleError(value.code, value.message, value);
  }
}

export interface SerializedError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint?: string;
  readonly details?: string;
  readonly retryable: boolean;
}

/** Throws `ABORTED` when `signal` is aborted. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw new UpscaleError('ABORTED', 'The run was stopped.');
}
