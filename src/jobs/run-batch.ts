import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { SettingsLayer, UpscaleRequest } from '../config/resolve-options.ts';
import { traceUpscaleOptions, type ResolvedOptions } from '../config/resolve-options.ts';
import { throwIfAborted, UpscaleError } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import { verifyRun, type VerifyReport } from '../measure/verify-delivery.ts';
import { readMachine } from '../pipeline/machine.ts';
import { prepare, type Prepared } from '../pipeline/prepare.ts';
import type { ProgressEvent } from '../pipeline/progress.ts';
import { runUpscale } from '../pipeline/upscale.ts';
import type { UpscaleResult } from '../pipeline/upscale-result.ts';
import { nameOutputs } from './name-outputs.ts';
import { isDone, readReport } from './report.ts';
import { reportFilesFor } from './report-files.ts';
import { listOptions, makeReport } from './make-report.ts';

/** One source of a batch. */
export interface BatchFile {
  readonly source: string;
  /** Position in the batch, from 1. */
  readonly number: number;
  /** The source's path within the batch's folder. */
  readonly name: string;
}

/** What became of one source. */
export type FileOutcome = BatchFile &
  (
    | {
        readonly status: 'done';
        readonly output: string;
        readonly report: string;
        /** Not the whole account, which grows with the frames: that is in the report. */
        readonly result: Pick<UpscaleResult, 'frames' | 'bytes' | 'seconds' | 'damage'>;
        readonly verify: VerifyReport | null;
      }
    | { readonly status: 'skipped'; readonly output: string; readonly report: string }
    | { readonly status: 'failed'; readonly error: UpscaleError }
    /** The batch was stopped before it, or in it. */
    | { readonly status: 'unfinished' }
  );

export interface BatchOptions {
  /** Folder of the sources. */
  readonly root: string;
  /** Folder for the outputs; null to put each beside its source. */
  readonly folder: string | null;
  /** Folder for the reports. */
  readonly reportFolder: string;
  /** What was given for all files. */
  readonly request: UpscaleRequest;
  /** Settings that apply to one of the sources. */
  readonly settingsFor: (source: string) => Promise<readonly SettingsLayer[]>;
  /** Files that are worked on at the same time. */
  readonly jobs: number;
  /** The command that makes one file just so, for its report. */
  readonly describeCommand: (source: string, output: string, options: ResolvedOptions) => string;
  readonly signal?: AbortSignal | undefined;
  readonly logger?: Logger | undefined;
  readonly onProgress?: ((file: BatchFile, event: ProgressEvent) => void) | undefined;
  readonly onOutcome?: ((outcome: FileOutcome) => void) | undefined;
}

/**
 * Upscales all `sources`, each by a plan of its own. One that fails does not stop the others; one that was already made by the same plan is
 * skipped. Never throws for a single file, nor when it is stopped: the outcomes tell, in order of the sources.
 */
export async function runBatch(sources: readonly string[], options: BatchOptions): Promise<FileOutcome[]> {
  const { root, folder, signal, onOutcome } = options;
  const names = nameOutputs(sources, { root, folder });
  const machine = { ...readMachine(), sharedBy: Math.min(options.jobs, sources.length) };
  const waiting = sources.map((source, i) => ({
    source,
    number: i + 1,
    name: path.relative(root, source),
  }));
  const outcomes: FileOutcome[] = [];
  const runNext = async (): Promise<void> => {
    for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
      const outcome =
        signal?.aborted === true
          ? { ...file, status: 'unfinished' as const }
          : await runFile(file, { ...options, machine, stem: names.get(file.source) ?? file.source });
      outcomes.push(outcome);
      onOutcome?.(outcome);
    }
  };
  await Promise.all(Array.from({ length: machine.sharedBy }, runNext));
  return outcomes.sort((a, b) => a.number - b.number);
}

interface FileOptions extends BatchOptions {
  readonly machine: ReturnType<typeof readMachine>;
  /** The output's path without its ending. */
  readonly stem: string;
}

async function runFile(file: BatchFile, options: FileOptions): Promise<FileOutcome> {
  const { signal, logger } = options;
  const onProgress = (event: ProgressEvent): void => options.onProgress?.(file, event);
  try {
    const { prepared, traced } = await prepareFile(file, options);
    const { plan } = prepared;
    const output = plan.assemble.path;
    const files = reportFilesFor(options.reportFolder, options.folder ?? options.root, output);
    if (await isDone(await readReport(files.json), plan)) {
      return { ...file, status: 'skipped', output, report: files.page };
    }
    await mkdir(path.dirname(output), { recursive: true });
    const { result, concluded } = await runUpscale(
      file.source,
      traced.options,
      { signal, logger, onProgress, prepared },
      async (delivered, tools) => {
        onProgress({ type: 'stage', stage: 'verify' });
        const verify = await verifyRun(delivered, { tools, signal, logger });
        const command = options.describeCommand(file.source, output, traced);
        await makeReport(delivered, {
          ...{ files, verify, command, tools, signal, logger },
          options: listOptions(traced),
        });
        return verify;
      },
    );
    const { frames, bytes, seconds, damage } = result;
    const summary = { frames, bytes, seconds, damage };
    return { ...file, status: 'done', output, report: files.page, result: summary, verify: concluded };
  } catch (error) {
    const known = UpscaleError.from(error);
    if (known.code === 'ABORTED') return { ...file, status: 'unfinished' };
    return { ...file, status: 'failed', error: known };
  }
}

/** Plans one file of a batch: its settings, its name, its share of the machine. */
async function prepareFile(
  file: BatchFile,
  options: FileOptions,
): Promise<{ prepared: Prepared; traced: ResolvedOptions }> {
  const { signal, logger, machine, stem } = options;
  throwIfAborted(signal);
  options.onProgress?.(file, { type: 'stage', stage: 'probe' });
  const traced = traceUpscaleOptions(options.request, await options.settingsFor(file.source));
  const nameFor = (extension: string): string => `${stem}.${extension}`;
  return {
    prepared: await prepare(file.source, traced.options, { signal, logger, machine, nameFor }),
    traced,
  };
}
