import { mkdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { traceUpscaleOptions, type UpscaleRequest } from '../config/resolve-options.ts';
import { UpscaleError } from '../core/errors.ts';
import { writeWhole } from '../ffmpeg/disk-cache.ts';
import { findSources, type FindOptions } from '../jobs/find-sources.ts';
import { renderIndex } from '../jobs/render-index.ts';
import { REPORT_FOLDER } from '../jobs/report-files.ts';
import { runBatch, type FileOutcome } from '../jobs/run-batch.ts';
import { readOption, type MessageOptions } from './arguments.ts';
import { createBatchReporter } from './batch-reporter.ts';
import type { RawArguments } from './raw-arguments.ts';
import { describeBatch } from './describe-batch.ts';
import { EXIT_CODES } from './exit-codes.ts';
import { guardInterrupts } from './interrupt.ts';
import { createSettings } from './settings.ts';
import { writeCommand } from './write-command.ts';

/** Which files of a folder are meant, and where their outputs and reports go. */
export interface FolderRequest {
  readonly root: string;
  /** Null: beside the sources. */
  readonly folder: string | null;
  readonly reportFolder: string;
  readonly sources: readonly string[];
}

/** Looks into the folder that `upscale` or `plan` was given. Throws `USAGE` for options that make no sense of one. */
export async function readFolder(
  raw: RawArguments,
  root: string,
  { output }: UpscaleRequest,
): Promise<FolderRequest> {
  const existing = output === undefined ? null : await stat(output).catch(() => null);
  const isName = output !== undefined && (output === '-' || /%\d*d/.test(output));
  if (isName || existing?.isDirectory() === false) {
    throw new UpscaleError('USAGE', `The outputs of a folder cannot all go to ${output ?? ''}.`, {
      hint: 'Give a folder with -o FOLDER, or leave -o out to put each beside its source.',
    });
  }
  const folder = output === undefined ? null : path.resolve(output);
  const report = readOption(raw, 'report') as string | undefined;
  const sources = await findSources(root, readFindOptions(raw, folder));
  const reportFolder = path.resolve(report ?? path.join(folder ?? root, REPORT_FOLDER));
  return { root: path.resolve(root), folder, reportFolder, sources };
}

/** Which files of a folder are asked for; `outputFolder` is none of them. */
export function readFindOptions(raw: RawArguments, outputFolder: string | null): FindOptions {
  return {
    recursive: raw['recursive'] === true,
    include: (readOption(raw, 'include') as readonly string[] | undefined) ?? null,
    exclude: (readOption(raw, 'exclude') as readonly string[] | undefined) ?? [],
    outputFolder,
  };
}

/** `upreel upscale FOLDER`: each file by a plan of its own, then a summary. */
export async function runUpscaleFolder(
  raw: RawArguments,
  root: string,
  given: UpscaleRequest,
  messages: MessageOptions,
): Promise<number> {
  const request = { ...given, output: undefined };
  const { folder, reportFolder, sources, root: from } = await readFolder(raw, root, given);
  const settingsFor = createSettings(raw, root);
  // What makes no sense in the settings is said before the first file is begun.
  for (const source of sources) traceUpscaleOptions(request, await settingsFor(source));
  if (folder !== null) await makeFolder(folder);
  const jobs = Number(readOption(raw, 'jobs'));
  const reporter = createBatchReporter(messages, { total: sources.length, jobs });
  using interrupt = guardInterrupts(() => reporter.writeLine('Stopping; press Ctrl-C again to end at once.'));
  const started = performance.now();
  const outcomes = await runBatch(sources, {
    root: from,
    folder,
    reportFolder,
    request,
    settingsFor,
    jobs,
    describeCommand: writeCommand,
    signal: interrupt.signal,
    logger: reporter.logger,
    onProgress: reporter.onProgress,
    onOutcome: reporter.onOutcome,
  });
  reporter.close();
  const index = path.join(reportFolder, 'index.html');
  await writeWhole(
    index,
    await renderIndex(outcomes, { page: index, title: `Upreel: ${path.basename(from)}` }),
  );
  const seconds = (performance.now() - started) / 1000;
  process.stdout.write(
    messages.json
      ? `${JSON.stringify({ outcomes: outcomes.map(toPlain), report: index, seconds }, null, 2)}\n`
      : `${describeBatch(outcomes, { seconds, index })}\n`,
  );
  return chooseExitCode(outcomes);
}

async function makeFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true }).catch((error: unknown) => {
    throw new UpscaleError('OUTPUT_UNWRITABLE', `The folder ${folder} cannot be made.`, {
      cause: error,
      hint: 'Give another with -o FOLDER.',
    });
  });
}

/** The worst of what happened. */
function chooseExitCode(outcomes: readonly FileOutcome[]): number {
  const some = (test: (outcome: FileOutcome) => boolean): boolean => outcomes.some(test);
  if (some(({ status }) => status === 'unfinished')) return EXIT_CODES.interrupted;
  if (some(({ status }) => status === 'failed')) return EXIT_CODES.partly;
  if (some((outcome) => outcome.status === 'done' && outcome.verify?.ok === false))
    return EXIT_CODES.unverified;
  if (some((outcome) => outcome.status === 'done' && outcome.result.damage !== null))
    return EXIT_CODES.damaged;
  return EXIT_CODES.ok;
}

/** An outcome as a document: the whole account is in its report. */
function toPlain(outcome: FileOutcome): object {
  const { source, status } = outcome;
  if (outcome.status === 'failed') return { source, status, error: outcome.error.toJSON() };
  if (outcome.status === 'unfinished') return { source, status };
  const { output, report } = outcome;
  if (outcome.status === 'skipped') return { source, status, output, report };
  const { result, verify } = outcome;
  return { source, status, output, report, ...result, verified: verify?.ok ?? null };
}
