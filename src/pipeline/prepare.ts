import { createRequire } from 'node:module';
import type { UpscaleOptions } from '../config/upscale-options.ts';
import { silentLogger, type Logger } from '../core/logger.ts';
import { parseRational } from '../core/rational.ts';
import { probe } from '../decode/probe.ts';
import { exactDisplaySize } from '../decode/read-video-stream.ts';
import type { Source } from '../decode/source.ts';
import { chooseEncoder } from '../encode/choose-encoder.ts';
import { findProfile } from '../encode/profiles.ts';
import { readCapabilities } from '../ffmpeg/capabilities.ts';
import { findTools, type FfmpegTools } from '../ffmpeg/tools.ts';
import { choosePrecision } from '../infer/choose-precision.ts';
import { loadChromaNetworks } from '../infer/chroma/chroma-model.ts';
import { loadRegistry } from '../infer/registry.ts';
import { resolveModels } from '../infer/resolve-models.ts';
import { chooseModel } from './choose-model.ts';
import { createPlan } from './create-plan.ts';
import { readMachine, type Machine } from './machine.ts';
import { chooseOutputPath, namesFolder } from './output-path.ts';
import type { Plan } from './plan-schema.ts';
import { chooseTargetSize } from './target-size.ts';

export interface PrepareOptions {
  readonly signal?: AbortSignal | undefined;
  readonly logger?: Logger | undefined;
  /** What `input` is, where it was probed before. */
  readonly source?: Source | undefined;
  /** What the run may use; all of this machine when left out. */
  readonly machine?: Machine | undefined;
  /** Makes the output's path where the options name none, from the ending that goes with the encoder. @defaultValue `<input>.upreel.<ext>` */
  readonly nameFor?: ((extension: string) => string) | undefined;
}

export interface Prepared {
  readonly tools: FfmpegTools;
  readonly source: Source;
  readonly plan: Plan;
}

/** Probes `input` and plans its run; writes nothing. */
export async function prepare(
  input: string,
  options: UpscaleOptions,
  { signal, logger = silentLogger, source: known, machine = readMachine(), nameFor }: PrepareOptions = {},
): Promise<Prepared> {
  const tools = await findTools({
    ...(options.ffmpeg === undefined ? {} : { ffmpeg: options.ffmpeg }),
    ...(options.ffprobe === undefined ? {} : { ffprobe: options.ffprobe }),
  });
  const [source, capabilities, registry, chroma] = await Promise.all([
    known ?? probeInput(input, options, tools, { signal, logger }),
    readCapabilities(tools),
    loadRegistry(),
    loadChromaNetworks({ logger }),
  ]);
  const chosen =
    options.model === undefined
      ? chooseModel(source, registry, options.faithful)
      : { id: options.model, decisions: [] };
  const resolved = await resolveModels(registry, chosen.id, signal === undefined ? {} : { signal });
  const models = { ...resolved, decisions: [...chosen.decisions, ...resolved.decisions] };
  const size = chooseTargetSize(exactDisplaySize(source.video), options);
  const encoder = await chooseEncoder(options.encoder, {
    ...size,
    source,
    output: options.output === undefined || namesFolder(options.output) ? undefined : options.output,
    tools,
    capabilities,
  });
  const { extension } = findProfile(encoder);
  const outputPath = chooseOutputPath(input, options.output ?? nameFor?.(extension), extension);
  const context = {
    capabilities,
    models,
    chroma,
    machine,
    outputPath,
    encoder,
    versions: { ffmpeg: tools.version.text, onnxruntime: onnxruntimeVersion() },
  };
  const plan = createPlan(source, options, context);
  const precision = await choosePrecision(
    plan.infer,
    [...models.models, ...models.larger],
    options.precision,
  );
  if (precision === null) return { tools, source, plan };
  return { tools, source, plan: createPlan(source, options, { ...context, precision }) };
}

async function probeInput(
  input: string,
  options: UpscaleOptions,
  tools: FfmpegTools,
  { signal, logger }: PrepareOptions,
): Promise<Source> {
  const rate = options.inputFrameRate === undefined ? null : parseRational(options.inputFrameRate);
  return probe(input, {
    tools,
    ...(signal === undefined ? {} : { signal }),
    ...(logger === undefined ? {} : { logger }),
    ...(rate === null ? {} : { inputFrameRate: rate }),
  });
}

/** Of the library that runs the models; it decides pixels. */
export function onnxruntimeVersion(): string {
  const manifest = createRequire(import.meta.url)('onnxruntime-node/package.json') as { version: string };
  return manifest.version;
}
