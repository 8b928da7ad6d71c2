import type { UpscaleRequest } from '../config/resolve-options.ts';
import type { Logger } from '../core/logger.ts';
import type { VerifyReport } from '../measure/verify-report.ts';
import type { ProgressListener } from '../pipeline/progress.ts';
import type { UpscaleResult } from '../pipeline/upscale-result.ts';

/** What a run of the pipeline takes besides its options. */
export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  readonly logger?: Logger | undefined;
  readonly onProgress?: ProgressListener | undefined;
}

/** Upscales a file and looks at what was delivered: the library's `upscale`, handed in by whoever stands above. */
export type Upscale = (
  input: string,
  request: UpscaleRequest,
  call: CallOptions,
) => Promise<{ readonly result: UpscaleResult; readonly verify: VerifyReport | null }>;
