import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { traceUpscaleOptions } from '../config/resolve-options.ts';
import { UpscaleError } from '../core/errors.ts';
import { findIntake, openSource, type IntakeSource } from '../jobs/cluster/intake.ts';
import { findFleet } from '../jobs/cluster/machine-fleet.ts';
import { submitPlan } from '../jobs/cluster/submit.ts';
import type { ClusterQueue } from '../jobs/cluster/queue.ts';
import type { Store } from '../jobs/cluster/store.ts';
import { listOptions } from '../jobs/make-report.ts';
import { nameOutputs } from '../jobs/name-outputs.ts';
import { guardOutput } from '../pipeline/output-guard.ts';
import { chooseOutputPath, namesFolder } from '../pipeline/output-path.ts';
import { prepare } from '../pipeline/prepare.ts';
import { readInput, readMessageOptions, readOption, readRequest } from './arguments.ts';
import { withQueue, withStore } from './cluster-arguments.ts';
import { readFindOptions } from './command-upscale-folder.ts';
import type { RawArguments } from './raw-arguments.ts';
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
  const { json } = readMessageOptions(raw);
  const submitted = await withStore(raw, (store) => withQueue(raw, (queue) => submitAll(raw, store, queue)));
  process.stdout.write(json ? `${JSON.stringify(submitted, null, 2)}\n` : `${describe(submitted)}\n`);
  return submitted.some(({ error }) => error !== null) ? EXIT_CODES.partly : EXIT_CODES.ok;
}

async function submitAll(raw: RawArguments, store: Store, queue: ClusterQueue): Promise<Submitted[]> {
  const { files } = store;
  const input = readInput(raw);
  const { logger } = createReporter({ progress: 'none', logLevel: readMessageOptions(raw).logLevel });
  const given = readRequest(raw, 'submit');
  const asked = given.output === undefined ? null : await placeOutput(given.output, store);
  const intake = await findIntake(input, files, readFindOptions(raw, asked));
  const isNamed = asked !== null && !intake.isFolder && !namesFolder(asked);
  const names = nameOutputs(
    intake.sources.map(({ place }) => place),
    { root: intake.root, folder: asked },
  );
  // What pixels come out must not depend on which machine has which device.
  const request = { ...given, device: given.device ?? 'cpu', output: isNamed ? asked : undefined } as const;
  const settingsFor = createSettings(raw, intake.isFolder ? input : path.dirname(input));

  const submit = async (source: IntakeSource): Promise<Submitted> => {
    const { key, input: readable, send } = await openSource(source, files);
    const traced = traceUpscaleOptions(request, await settingsFor(source.name));
    const nameFor = (extension: string): string =>
      intake.isFolder
        ? `${names.get(source.place) ?? source.place}.${extension}`
        : chooseOutputPath(source.place, asked ?? undefined, extension);
    const { plan, tools } = await prepare(readable, traced.options, { logger, nameFor });
    if (files.takesFiles && plan.source.kind === 'image-sequence') {
      throw new UpscaleError('USAGE', `The numbered pictures ${source.name} cannot be sent to a bucket.`, {
        hint: 'Use a store that is a folder, or make one file of them first: ffmpeg -i PATTERN -c:v ffv1 shot.mkv.',
      });
    }
    const output = await files.locate(plan.assemble.path);
    await mkdir(path.dirname(plan.assemble.path), { recursive: true });
    await guardOutput(plan);
    if (!plan.assemble.overwrite && (await files.exists(output))) {
      throw new UpscaleError('OUTPUT_EXISTS', `The output ${files.describe(output)} exists already.`, {
        hint: 'Replace it with -y (--overwrite), or give another name with -o.',
      });
    }
    if (output === key) {
      throw new UpscaleError(
        'OUTPUT_IS_SOURCE',
        `The output ${files.describe(output)} is the source itself.`,
        {
          hint: 'Give another output name with -o.',
        },
      );
    }
    const program = files.takesFiles ? ['upreel', 'submit', '--store', files.text] : undefined;
    const command = writeCommand(files.describe(key), files.describe(output), traced, program);
    const { job, isNew } = await submitPlan(plan, {
      ...{ queue, store, priority: Number(readOption(raw, 'priority')) },
      fleet: findFleet(tools, plan.infer.device),
      keys: { source: key, output },
      request: { command, options: listOptions(traced) },
      sendSource: send,
    });
    return {
      ...{ source: source.name, id: job.id, output: files.describe(output) },
      ...{ segments: job.segments, isNew, error: null },
    };
  };

  const submitted: Submitted[] = [];
  for (const source of intake.sources) {
    try {
      submitted.push(await submit(source));
    } catch (error) {
      const { message, ...known } = UpscaleError.from(error).toJSON();
      const renamed = UpscaleError.revive({ ...known, message: files.rename(message) });
      if (!intake.isFolder) throw renamed;
      const nothing = { id: null, output: null, segments: 0, isNew: false };
      submitted.push({ source: source.name, ...nothing, error: renamed });
    }
  }
  return submitted;
}

/** The path on this machine that stands for an output, or a folder of them, in the store; one that ends as a folder does so here. */
async function placeOutput(output: string, { files }: Store): Promise<string> {
  if (output === '-') {
    throw new UpscaleError('USAGE', 'A cluster cannot write to standard output.', {
      hint: 'Name an output in the store with -o.',
    });
  }
  const place = output.startsWith('s3:')
    ? await files.place(await files.locate(output.replace(/\/+$/, '')))
    : path.resolve(output);
  return namesFolder(output) ? place + path.sep : place;
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
