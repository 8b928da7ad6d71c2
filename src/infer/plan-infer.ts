import { UpscaleError } from '../core/errors.ts';
import type { Decision, Notice } from '../core/notice.ts';
import { pixelFormat } from '../core/pixel-format.ts';
import { chooseChroma } from './chroma/choose-chroma.ts';
import { asTiled } from './chroma/chroma-layout.ts';
import { enlargementOf, layOutInfer } from './infer-layout.ts';
import { takePrecision } from './choose-precision.ts';
import type { ChromaNetwork, InferPlan, ModelFacts, Precision, ResampleFilter } from './infer-plan.ts';
import { layOutPass, smallestTile } from './pass-geometry.ts';

export interface PlanInferOptions {
  /** One model, that is run as often as it takes; or several, that are run once each, in this order. */
  readonly models: readonly ModelFacts[];
  /** Of a single model the same network for larger scales, which save passes. @defaultValue none */
  readonly larger?: readonly ModelFacts[];
  /** Networks for chroma that may be used; none leaves it to the filter. */
  readonly chroma: readonly ChromaNetwork[];
  /** How much larger the picture gets, along the axis that grows most. */
  readonly magnification: number;
  readonly input: InferPlan['input'];
  readonly output: InferPlan['output'];
  readonly device: InferPlan['device'];
  readonly threads: number;
  /** Bytes that the activations of one lane's sessions may take. */
  readonly memoryBytes: number;
  /** Largest side of a tile in input samples, border included, where the user set one. @defaultValue null */
  readonly largestTile?: number | null;
  /** As {@link choosePrecision} found. @defaultValue `fp32` */
  readonly precision?: Precision;
  /** Make frames agree with their source; see {@link planBackProjection}. @defaultValue false */
  readonly faithful?: boolean;
}

export interface PlannedInfer {
  readonly plan: InferPlan;
  readonly decisions: Decision[];
  readonly notices: Notice[];
  /** Bytes that the sessions hold at their peak, all passes together. */
  readonly activationBytes: number;
}

const MOST_PASSES = 4;
/** What a session holds besides activations: weights in the layout of the device, code, tables. */
const SESSION_BYTES = 8 * 1024 * 1024;
/** onnxruntime-node copies each result besides writing it in place; this many copies lie about until they are collected. */
const LOOSE_RESULTS = 3;
/** A picture that grows this little beyond what the passes give is not worth another pass. */
const TOLERANCE = 1.02;
/**
 * One that grows this little beyond what so many passes can give at most is not either: NTSC to 4K by one pass of 4 instead of two costs a fifth and
 * gains more.
 */
const MOST_SHORT = 1.15;

/**
 * Chooses passes, filters and tiles. Pure. A single model has as many passes as it takes to reach the magnification, those of its larger scales
 * that are the least work; several are run once each, all of them. What they give is brought to the output's size by the filter.
 */
export function planInfer(options: PlanInferOptions): PlannedInfer {
  const { models, input, output, device, threads } = options;
  const decisions: Decision[] = [];
  const notices: Notice[] = [];
  const precision = options.precision ?? 'fp32';
  const passes = listPasses(models, options.larger ?? [], options.magnification).map((facts) =>
    takePrecision(facts, precision),
  );
  const isNetwork = passes.length > 0;
  const plain = models.find(({ kind }) => kind === 'resample');
  const filter: ResampleFilter = plain === undefined ? 'lanczos' : toFilter(plain.id);
  const whole: InferPlan = {
    passes,
    filter,
    chromaFilter: plain === undefined ? 'bicubic' : filter,
    chroma: null,
    input,
    output,
    device: isNetwork ? device : 'cpu',
    precision,
    threads,
    tile: null,
  };
  decisions.push(describePasses(models, passes, options.magnification));
  const { chroma, decision } = chooseChroma(whole, options.chroma);
  if (decision !== null) decisions.push(decision);
  const untiled = { ...whole, chroma };
  const fitting = isNetwork ? chooseTile(untiled, options.memoryBytes) : null;
  const tile = isNetwork ? limitTile(untiled, fitting, options.largestTile ?? null) : null;
  const faithful = options.faithful === true ? planBackProjection(untiled) : null;
  if (faithful !== null) decisions.push(faithful.decision);
  const plan: InferPlan = { ...untiled, tile, ...faithful?.part };
  if (tile !== null) {
    decisions.push({
      topic: 'tile',
      choice: `${tile.width}x${tile.height}`,
      reason:
        tile === fitting ? 'whole frames would take more memory than the network may have' : 'asked for',
    });
    const boundless = passes.find(({ receptiveRadius }) => receptiveRadius === null);
    if (boundless !== undefined) {
      notices.push({
        level: 'warning',
        code: 'tiles-inexact',
        message: `${boundless.id} looks at the whole picture, so its tiles may differ from each other; give more --memory to run whole frames.`,
      });
    }
  }
  // Formats that do not fit the model show here and not in the middle of a run.
  layOutInfer(plan);
  return { plan, decisions, notices, activationBytes: countActivationBytes(plan) };
}

/**
 * Weights of the steps: those of two Chebyshev steps, near enough, for errors of which the first step takes half to all. From 39 dB they
 * reach 59, where the rounding of 8 bits ends it; a third step gains nothing that survives an encoder.
 */
const WEIGHTS = [1.2, 1.8];

/** Plans back-projection, where the picture grows: a smaller one cannot hold what its source says. */
function planBackProjection({ input, output }: InferPlan): {
  readonly part: Pick<InferPlan, 'backProjection'>;
  readonly decision: Decision;
} {
  const topic = 'faithful';
  if (output.width < input.width || output.height < input.height) {
    const reason = 'the output has fewer samples than the source, and cannot hold what it says';
    return { part: {}, decision: { topic, choice: 'not possible', reason } };
  }
  return {
    part: { backProjection: { weights: WEIGHTS } },
    decision: {
      topic,
      choice: `${WEIGHTS.length} steps of back-projection`,
      reason: "asked for; sampled as the source was, the output gives the source's frames again",
    },
  };
}

/** Arena memory that an upscaler of `plan` takes beyond the input and output frames; a bound. */
export function arenaBytesForInfer(plan: InferPlan): number {
  const { totalBytes } = layOutInfer(plan);
  if (plan.device === 'cpu' || plan.passes.length === 0) return totalBytes;
  // A device that runs out of memory makes the tiles smaller; their own blocks are set aside here.
  const halved = layOutInfer({ ...plan, tile: halveTile(plan) });
  return Math.max(totalBytes, halved.totalBytes);
}

/** Half of the largest tile that `plan` runs, cut across its longer side. */
export function halveTile(plan: InferPlan): { width: number; height: number } {
  const largest = listTiles(plan).reduce(
    (most, tile) => ({
      width: Math.max(most.width, tile.width),
      height: Math.max(most.height, tile.height),
    }),
    { width: 1, height: 1 },
  );
  return largest.width > largest.height
    ? { width: Math.ceil(largest.width / 2), height: largest.height }
    : { width: largest.width, height: Math.ceil(largest.height / 2) };
}

/** The sizes that the network of each pass is run on. */
export function listTiles(plan: InferPlan): { width: number; height: number }[] {
  let source = { width: plan.input.width, height: plan.input.height };
  return plan.passes.map((model) => {
    const { tile, result } = layOutPass(model, source, plan.tile);
    source = result;
    return tile;
  });
}

function listPasses(
  models: readonly ModelFacts[],
  larger: readonly ModelFacts[],
  magnification: number,
): readonly ModelFacts[] {
  const [model] = models;
  if (model === undefined || model.kind === 'resample' || magnification <= 1) return [];
  if (models.length > 1) return models;
  const scales = [model, ...larger].sort((a, b) => a.scale - b.scale);
  // The fewest passes that reach the magnification; of as many those that are the least work, or those that come nearest where none reaches it.
  let chains = scales.map((pass) => [pass]);
  for (let count = 1; ; count++) {
    const most = Math.max(...chains.map(enlargementOf));
    if (most * MOST_SHORT >= magnification || count === MOST_PASSES) {
      const wanted = Math.min(magnification, most * TOLERANCE);
      return chains
        .filter((chain) => enlargementOf(chain) * TOLERANCE >= wanted)
        .reduce((best, chain) => (countWork(chain) < countWork(best) ? chain : best));
    }
    chains = chains.flatMap((chain) => scales.map((pass) => [...chain, pass]));
  }
}

/** What a sample of the source costs: later passes have more of them. */
function countWork(chain: readonly ModelFacts[]): number {
  return chain.reduce((work, { flopsPerSample }, i) => {
    return work + flopsPerSample * enlargementOf(chain.slice(0, i)) ** 2;
  }, 0);
}

function toFilter(id: string): ResampleFilter {
  if (id === 'nearest' || id === 'bilinear' || id === 'bicubic' || id === 'lanczos') return id;
  throw new UpscaleError('PLAN_INVALID', `${id} is no filter.`);
}

function describePasses(
  models: readonly ModelFacts[],
  passes: readonly ModelFacts[],
  magnification: number,
): Decision {
  const factor = String(Math.round(magnification * 100) / 100);
  const [model] = models;
  if (model?.kind === 'resample') {
    return {
      topic: 'model',
      choice: model.id,
      reason: `a plain filter, for a picture ${factor} times as large`,
    };
  }
  if (model === undefined || passes.length === 0) {
    return {
      topic: 'model',
      choice: 'lanczos',
      reason: 'the picture does not grow, so no network is needed',
    };
  }
  const [pass = model] = passes;
  if (passes.some(({ id }) => id !== pass.id)) return describeChain(passes, magnification, factor);
  return {
    topic: 'model',
    choice: passes.length === 1 ? pass.id : `${pass.id}, ${passes.length} times`,
    reason: `enlarges ${pass.scale} times, for a picture ${factor} times as large`,
  };
}

function describeChain(models: readonly ModelFacts[], magnification: number, factor: string): Decision {
  const scale = enlargementOf(models);
  const rest =
    scale === magnification ? '' : `; lanczos ${scale < magnification ? 'enlarges' : 'shrinks'} the rest`;
  return {
    topic: 'model',
    choice: models.map(({ id }) => id).join(' + '),
    reason: `one after the other they enlarge ${models.map((model) => model.scale).join(' x ')} times, for a picture ${factor} times as large${rest}`,
  };
}

function countActivationBytes(plan: InferPlan): number {
  const luma = listTiles(plan).reduce((sum, tile, i) => {
    const model = plan.passes[i];
    const perSample = model === undefined ? 0 : countSampleBytes(plan, model);
    return sum + SESSION_BYTES + Math.ceil(tile.width * tile.height * perSample);
  }, 0);
  const chroma = layOutInfer(plan).chroma?.passes ?? [];
  return chroma.reduce((sum, { network, geometry: { tile } }) => {
    return sum + SESSION_BYTES + Math.ceil(tile.width * tile.height * countChromaSampleBytes(plan, network));
  }, luma);
}

/** Bytes that one chroma sample of a pass costs while it runs. */
function countChromaSampleBytes(plan: InferPlan, { bytesPerSample }: ChromaNetwork): number {
  return bytesPerSample + LOOSE_RESULTS * 2 * 4 * pixelFormat(plan.output.format).bytesPerSample;
}

/** Bytes that one input sample of a pass costs while it runs. */
function countSampleBytes(plan: InferPlan, { bytesPerSample, channels, scale }: ModelFacts): number {
  const result = channels * scale * scale * pixelFormat(plan.output.format).bytesPerSample;
  return bytesPerSample + LOOSE_RESULTS * result;
}

/** Keeps tiles within the side that was asked for; no side is smaller than what the network's border leaves something of. */
function limitTile(plan: InferPlan, tile: InferPlan['tile'], side: number | null): InferPlan['tile'] {
  if (side === null) return tile;
  const most = Math.max(side, leastTile(plan));
  const sizes = listTiles({ ...plan, tile });
  if (sizes.every(({ width, height }) => width <= most && height <= most)) return tile;
  return { width: Math.min(most, tile?.width ?? most), height: Math.min(most, tile?.height ?? most) };
}

/** The smallest side of a tile, in samples of luma, that no model and no chroma network needs more than. */
function leastTile({ passes, chroma }: InferPlan): number {
  const forChroma = chroma === null ? 0 : 2 * smallestTile(asTiled(chroma.network));
  return Math.max(forChroma, ...passes.map(smallestTile));
}

function chooseTile(plan: InferPlan, memoryBytes: number): InferPlan['tile'] {
  if (countActivationBytes(plan) <= memoryBytes) return null;
  const { chroma } = plan;
  const least = leastTile(plan);
  const sessions = chroma === null ? SESSION_BYTES : 2 * SESSION_BYTES;
  const share = memoryBytes / plan.passes.length - sessions;
  const dearest = Math.max(1, ...plan.passes.map((model) => countSampleBytes(plan, model)));
  const chromaBytes = chroma === null ? 0 : countChromaSampleBytes(plan, chroma.network) / 4;
  const samples = Math.max(least * least, share / (dearest + chromaBytes));
  // Strips as wide as the frame waste no border at their sides; squares waste least where strips would be too thin.
  const widest = Math.max(...listTiles(plan).map(({ width }) => width));
  const side = Math.floor(Math.sqrt(samples));
  const width = Math.min(widest, samples / widest >= 4 * least ? widest : Math.max(least, side));
  return { width, height: Math.max(least, Math.floor(samples / width)) };
}
