import { UpscaleError } from '../core/errors.ts';
import { pixelFormat, planeSize, type PixelFormat, type PlaneRole } from '../core/pixel-format.ts';
import { chromaMapping } from '../kernels/chroma-mapping.ts';
import { resamplerBytes, type ResamplerOptions } from '../kernels/resample.ts';
import { layOutBackProjection, type BackProjectionLayout } from './back-projection.ts';
import { layOutChroma, type ChromaLayout } from './chroma/chroma-layout.ts';
import type { InferPlan, ModelFacts } from './infer-plan.ts';
import { layOutPass, type PassGeometry } from './pass-geometry.ts';

/** One pass of a plan with all that follows from it. */
export interface PassLayout {
  readonly model: ModelFacts;
  readonly geometry: PassGeometry;
  readonly planes: PlaneCounts;
  /** How many times the network is run, each time on the next planes: a luma network between others takes G, B and R alone. */
  readonly repeats: number;
  readonly inputBits: number;
  readonly outputBits: number;
  readonly blocks: PassBlocks;
}

export interface PlaneCounts {
  readonly input: 1 | 3 | 4;
  readonly output: 1 | 3 | 4;
}

/** Bytes of the arena that a pass needs for itself; 0 for what it does without. */
export interface PassBlocks {
  /** The source with repeated edges. */
  readonly padded: number;
  readonly tileInput: number;
  readonly tileOutput: number;
  /** What the pass gives, where it does not go straight into the output frame. */
  readonly result: number;
}

/** A plane that goes to the output by resampling alone. */
export interface ResampledPlane {
  readonly source: number;
  readonly target: number;
  /** Index in {@link InferLayout.resamplers}. */
  readonly resampler: number;
}

/** Everything that {@link openUpscaler} sets up, worked out from the plan alone. */
export interface InferLayout {
  readonly input: PixelFormat;
  readonly output: PixelFormat;
  readonly passes: readonly PassLayout[];
  /** Planes that the network takes at a time, as indices of input and output planes; 3 and 4 channels are one group. */
  readonly groups: readonly { readonly source: number; readonly target: number }[];
  /** The chroma planes that a network of their own enlarges; null where none does. */
  readonly chroma: ChromaLayout | null;
  /** Brings what the last pass gave to the output's size and depth; null where it already has them. */
  readonly fit: ResamplerOptions | null;
  readonly resamplers: readonly ResamplerOptions[];
  readonly resampled: readonly ResampledPlane[];
  /** Null where frames stay as the network made them. */
  readonly backProjection: BackProjectionLayout | null;
  /** Arena bytes of all of it. */
  readonly totalBytes: number;
}

/** Works out passes, planes and memory of `plan`. Throws `PLAN_INVALID` where formats and model do not fit each other. */
export function layOutInfer(plan: InferPlan): InferLayout {
  const input = pixelFormat(plan.input.format);
  const output = pixelFormat(plan.output.format);
  const fullRange = plan.input.color.range === 'pc';
  const groups = groupPlanes(plan, input, output);
  const passes = layOutPasses(plan, input, output);
  const last = passes.at(-1);
  const size = { width: plan.output.width, height: plan.output.height };
  const isFitting = last === undefined || isSame(last.geometry.result, size);
  const fit = isFitting
    ? null
    : {
        from: { ...last.geometry.result, bits: last.outputBits },
        to: { ...size, bits: output.bits },
        filter: plan.filter,
        fullRangeDepthChange: fullRange,
      };
  const chroma = layOutChroma(plan, Math.max(input.bits, output.bits));
  const { resamplers, resampled } = layOutResampled(plan, input, output, groups);
  const blocks = passes.flatMap(({ blocks: { padded, tileInput, tileOutput, result } }) => [
    padded,
    tileInput,
    tileOutput,
    result,
  ]);
  const chromaBlocks = chroma?.passes.flatMap((pass) => Object.values(pass.blocks) as number[]) ?? [];
  const fits = [fit, chroma?.fit ?? null].filter((options) => options !== null);
  const tables = [...resamplers, ...fits].map(resamplerBytes);
  const backProjection = layOutBackProjection(plan, input, output);
  const totalBytes = [...blocks, ...chromaBlocks, ...tables].reduce(
    (sum, bytes) => sum + Math.ceil(bytes / 64) * 64,
    backProjection?.bytes ?? 0,
  );
  return {
    ...{ input, output, passes, groups, chroma, fit, resamplers, resampled },
    backProjection,
    totalBytes,
  };
}

/** How many times larger a picture is behind all passes. */
export function enlargementOf(passes: readonly ModelFacts[]): number {
  return passes.reduce((product, { scale }) => product * scale, 1);
}

/**
 * Planes that go through the passes together: 1, 3 or 4 where all models agree. A chain of unlike models works on the three colours:
 * luma networks take them one by one, and alpha is resampled.
 */
export function channelsOf(models: readonly Pick<ModelFacts, 'channels'>[]): 1 | 3 | 4 {
  const [first] = models;
  if (first === undefined) return 1;
  return models.every(({ channels }) => channels === first.channels) ? first.channels : 3;
}

function groupPlanes(plan: InferPlan, input: PixelFormat, output: PixelFormat): InferLayout['groups'] {
  if (plan.passes.length === 0) return [];
  if (channelsOf(plan.passes) > 1) {
    if (input.family !== 'rgb' || output.family !== 'rgb') {
      const model = plan.passes.find(({ channels }) => channels > 1);
      throw new UpscaleError(
        'PLAN_INVALID',
        `${model?.id ?? ''} works on RGB; frames in ${input.name} cannot go through it to ${output.name}.`,
      );
    }
    return [{ source: 0, target: 0 }];
  }
  return output.planes.flatMap(({ role }, target) => {
    if (role === 'U' || role === 'V' || role === 'A') return [];
    return [{ source: findPlane(input, role), target }];
  });
}

function findPlane(format: PixelFormat, role: PlaneRole): number {
  const index = format.planes.findIndex((plane) => plane.role === role);
  if (index === -1) throw new UpscaleError('PLAN_INVALID', `Frames in ${format.name} have no ${role} plane.`);
  return index;
}

function layOutPasses(plan: InferPlan, input: PixelFormat, output: PixelFormat): PassLayout[] {
  const size = { width: plan.output.width, height: plan.output.height };
  const between = Math.max(input.bits, output.bits);
  let source = { width: plan.input.width, height: plan.input.height };
  let inputBits = input.bits;
  const channels = channelsOf(plan.passes);
  return plan.passes.map((model, i) => {
    const geometry = layOutPass(model, source, plan.tile);
    const isLast = i === plan.passes.length - 1;
    const goesOut = isLast && isSame(geometry.result, size);
    const outputBits = goesOut ? output.bits : between;
    const planes = countPlanes(model, channels, i === 0 ? input : null, isLast ? output : null);
    const repeats = model.channels === 1 ? channels : 1;
    const blocks = sizeBlocks(geometry, { planes, repeats, inputBits, outputBits, goesOut });
    const pass = { model, geometry, planes, repeats, inputBits, outputBits, blocks };
    source = geometry.result;
    inputBits = outputBits;
    return pass;
  });
}

/** Planes of a model's ends in a chain that works on `channels`; null stands for another pass on that side. */
function countPlanes(
  model: ModelFacts,
  channels: 1 | 3 | 4,
  input: PixelFormat | null,
  output: PixelFormat | null,
): PlaneCounts {
  if (model.channels === 1) return { input: 1, output: 1 };
  if (channels !== 4) return { input: 3, output: 3 };
  const count = (format: PixelFormat | null): 3 | 4 => (format === null || format.hasAlpha ? 4 : 3);
  return { input: count(input), output: count(output) };
}

function sizeBlocks(
  { source, padded, tile, result, scale }: PassGeometry,
  {
    planes,
    repeats,
    inputBits,
    outputBits,
    goesOut,
  }: Pick<PassLayout, 'planes' | 'repeats' | 'inputBits' | 'outputBits'> & { readonly goesOut: boolean },
): PassBlocks {
  const inputBytes = planes.input * (inputBits > 8 ? 2 : 1);
  const outputBytes = planes.output * (outputBits > 8 ? 2 : 1);
  const isPadded = !isSame(source, padded);
  const isTiled = !isSame(tile, padded);
  return {
    padded: isPadded ? padded.width * padded.height * inputBytes : 0,
    tileInput: isTiled ? tile.width * tile.height * inputBytes : 0,
    tileOutput: isPadded || isTiled ? tile.width * tile.height * scale * scale * outputBytes : 0,
    result: goesOut ? 0 : result.width * result.height * outputBytes * repeats,
  };
}

function layOutResampled(
  plan: InferPlan,
  input: PixelFormat,
  output: PixelFormat,
  groups: InferLayout['groups'],
): { resamplers: ResamplerOptions[]; resampled: ResampledPlane[] } {
  const byNetwork = new Set<number>();
  for (const { target } of groups) {
    for (let i = 0; i < channelsOf(plan.passes); i++) byNetwork.add(target + i);
  }
  const resamplers: ResamplerOptions[] = [];
  const keys = new Map<string, number>();
  const resampled = output.planes.flatMap(({ role }, target) => {
    if (byNetwork.has(target)) return [];
    if (plan.chroma !== null && (role === 'U' || role === 'V')) return [];
    const source = findPlane(input, role);
    const options = describeResampling(plan, input, output, source, target);
    const key = JSON.stringify(options);
    const index = keys.get(key) ?? resamplers.push(options) - 1;
    keys.set(key, index);
    return [{ source, target, resampler: index }];
  });
  return { resamplers, resampled };
}

function describeResampling(
  plan: InferPlan,
  input: PixelFormat,
  output: PixelFormat,
  source: number,
  target: number,
): ResamplerOptions {
  const from = input.planes[source];
  const to = output.planes[target];
  if (from === undefined || to === undefined) throw new UpscaleError('INTERNAL', 'A plane is missing.');
  const isChroma = to.role === 'U' || to.role === 'V';
  const { color } = plan.input;
  return {
    from: { ...planeSize(input, source, plan.input.width, plan.input.height), bits: input.bits },
    to: { ...planeSize(output, target, plan.output.width, plan.output.height), bits: output.bits },
    filter: isChroma ? plan.chromaFilter : plan.filter,
    // Alpha has no headroom, whatever the range of the colours.
    fullRangeDepthChange: color.range === 'pc' || to.role === 'A',
    ...(isChroma
      ? {
          isChroma,
          mapping: chromaMapping(
            { width: plan.input.width, height: plan.input.height, ...from, location: color.chromaLocation },
            {
              width: plan.output.width,
              height: plan.output.height,
              ...to,
              location: plan.output.chromaLocation,
            },
          ),
        }
      : {}),
  };
}

function isSame(
  a: { readonly width: number; readonly height: number },
  b: { readonly width: number; readonly height: number },
): boolean {
  return a.width === b.width && a.height === b.height;
}
