import path from 'node:path';
import { traceUpscaleOptions } from '../config/resolve-options.ts';
import { UpscaleError } from '../core/errors.ts';
import { findFleet } from '../jobs/cluster/machine-fleet.ts';
import { submitPlan } from '../jobs/cluster/submit.ts';
import { listOptions } from '../jobs/make-report.ts';
import { nameOutputs } from '../jobs/name-outputs.ts';
import { guardOutput } from '../pipeline/output-guard.ts';
import { prepare } from '../pipeline/prepare.ts';
import { mkdir } from 'node:fs/promises';
import { readInput, readMessageOptions, readOption, readRequest } from './arguments.ts';
import { openStore, withQueue } from './cluster-arguments.ts';
import { readFolder } from './command-upscale-folder.ts';
import { isFolder } from './command-upscale.ts';
import type { RawArguments } from './command-table.ts';
import { EXIT_CODES } from './exit-codes.ts';
import { createReporter } from './progress-reporter.ts';
import { createSettings } from './settings.ts';
import { layOutTable } from './text-table.ts';
import { writeCommand } from './write-command.ts';

interface Submitted {
  readonly source: string;
  readonly id: string | null;
  readonly output: string | null;
  readonly segments: number;
  readonly isNew: boolean;
  readonly error: UpscaleError | null;
}

/** `upreel submit`: plans here, runs elsewhere. */
export async function runSubmitCommand(raw: RawArguments): Promise<number> {
  const { json, logLevel } = readMessageOptions(raw);
  const { logger } = createReporter({ progress: 'none', logLevel });
  const input = readInput(raw);
  const given = readRequest(raw, 'submit');
  // What pixels come out must not depend on which machine has which device.
  const request = { ...given, device: given.device ?? 'cpu' } as const;
  const folder = (await isFolder(input)) ? await readFolder(raw, input, request) : null;
  const sources = folder?.sources ?? [path.resolve(input)];
  const names = folder === null ? new Map<string, string>() : nameOutputs(sources, folder);
  const settingsFor = createSettings(raw, folder?.root ?? path.dirname(input));
  const store = await openStore(raw);
  const submitted = await withQueue(raw, async (queue) => {
    const done: Submitted[] = [];
    for (const source of sources) {
      const nothing = { source, id: null, output: null, segments: 0, isNew: false, error: null };
      try {
        await store.locate(source);
        const traced = traceUpscaleOptions(
          folder === null ? request : { ...request, output: undefined },
          await settingsFor(source),
        );
        const stem = names.get(source);
        const nameFor =
          stem === undefined ? undefined : (extension: string): string => `${stem}.${extension}`;
        const { plan, tools } = await prepare(source, traced.options, { logger, nameFor });
        const output = plan.assemble.path;
        await store.locate(output);
        await mkdir(path.dirname(output), { recursive: true });
        await guardOutput(plan);
        const { job, isNew } = await submitPlan(plan, {
          ...{ queue, store, priority: Number(readOption(raw, 'priority')) },
          fleet: await findFleet(tools, plan.infer.device),
          request: { command: writeCommand(source, output, traced), options: listOptions(traced) },
        });
        done.push({ ...nothing, id: job.id, output, segments: job.segments, isNew });
      } catch (error) {
        if (folder === null) throw error;
        done.push({ ...nothing, error: UpscaleError.from(error) });
      }
    }
    return done;
  });
  process.stdout.write(json ? `${JSON.stringify(submitted, null, 2)}\n` : `${describe(submitted)}\n`);
  return submitted.some(({ error }) => error !== null) ? EXIT_CODES.partly : EXIT_CODES.ok;
}

function describe(submitted: readonly Submitted[]): string {
  const rows = submitted.map(({ source, id, output, segments, isNew, error }) => {
    const name = path.basename(source);
    if (error !== null) return ['failed', name, `${error.message} ${error.hint ?? ''}`.trim()];
    return [
      isNew ? (id ?? '') : `${id ?? ''}, there already`,
      name,
      `${String(segments)} segments -> ${output ?? ''}`,
    ];
  });
  const count = submitted.filter(({ isNew }) => isNew).length;
  return `${layOutTable(rows)}\n\n${String(count)} handed in. See how they go with upreel jobs --queue URL.`;
}
