import path from 'node:path';
import { throwIfAborted, UpscaleError } from '../core/errors.ts';
import { describeFailure } from './devices.ts';
import { countFlops, countPeakBytes } from './graph/measure-graph.ts';
import type { OnnxModel } from './graph/onnx-model.ts';
import type { ModelFacts } from './infer-plan.ts';
import { measureGrid } from './measure-grid.ts';
import { measureReach } from './measure-reach.ts';
import { readEnds, refuse, refuseRandom, type ModelEnds } from './model-ends.ts';
import { inferShapes, makePicture, ProbeNetwork, readShapes, type Picture } from './probe-network.ts';
import { parseModel, readModelFile } from './read-model.ts';

const MULTIPLES = [1, 2, 4, 8, 16, 32, 64] as const;
/** Near this many samples a side are enough for what convolutions at several scales need. */
const PROBE_SIDE = 48;
/** Bytes that a run may hold for each input sample. The largest of the known upscalers takes about 8 KiB. */
const MOST_SAMPLE_BYTES = 128 * 1024;

type Trait = Pick<ModelFacts, 'layout' | 'channels' | 'multiple' | 'scale'>;

/**
 * Finds out what an ONNX file does: its ends from the graph, scale, range and grid by running it on small pictures.
 *
 * @throws UpscaleError `MODEL_NOT_FOUND`; `MODEL_INVALID` with the reason, where the file is damaged or no upscaler
 */
export async function inspectModel(
  file: string,
  options: { readonly signal?: AbortSignal } = {},
): Promise<ModelFacts> {
  const source = await readModelFile(file);
  const model = await parseModel(source);
  refuseRandom(model, file);
  const ends = readEnds(model, file);
  let network: ProbeNetwork;
  try {
    await refuseGrowth(model, ends, file);
    network = await ProbeNetwork.open(model, ends);
  } catch (error) {
    if (error instanceof UpscaleError) throw error;
    throw refuse(file, `onnxruntime does not take it (${describeFailure(error)})`, error);
  }
  try {
    throwIfAborted(options.signal);
    const trait = await findTrait(network, ends, file);
    const range = await findRange(network, ends, trait, file);
    throwIfAborted(options.signal);
    const fixed = readFixed(ends, trait.layout);
    const { elementType } = ends;
    const radius = await measureReach(model, ends, trait);
    const grid =
      radius === null ? null : await measureGrid(network, { ...trait, ...fixed, range, elementType }, radius);
    return {
      id: path.basename(file).replace(/\.onnx$/i, ''),
      kind: 'network',
      path: file,
      sha256: source.sha256,
      ...trait,
      inputName: ends.input,
      outputName: ends.output,
      elementType,
      range,
      ...fixed,
      ...(grid === null ? { receptiveRadius: null } : { multiple: grid, receptiveRadius: radius }),
      ...(await measureCost(model, ends, trait)),
    };
  } finally {
    await network.close();
  }
}

/** Refuses graphs that would take all memory for a small picture, before anything of them is run. */
async function refuseGrowth(model: OnnxModel, ends: ModelEnds, file: string): Promise<void> {
  let failure: unknown;
  for (const candidate of ends.candidates) {
    const size = probeSize(ends, { ...candidate, multiple: Math.max(...MULTIPLES) });
    try {
      const shapes = await inferShapes(model, ends, candidate, size);
      const bytes = countPeakBytes(model.graph, shapes, 4);
      if (bytes <= MOST_SAMPLE_BYTES * size.width * size.height) return;
      throw refuse(
        file,
        `it takes ${(bytes / 1024 ** 3).toFixed(1)} GiB of memory for a picture of ${size.width}x${size.height}`,
      );
    } catch (error) {
      if (error instanceof UpscaleError) throw error;
      failure ??= error;
    }
  }
  throw failure;
}

function readFixed(
  { dims }: ModelEnds,
  layout: ModelFacts['layout'],
): Pick<ModelFacts, 'fixedWidth' | 'fixedHeight'> {
  const [row, column] = layout === 'NCHW' ? [2, 3] : [1, 2];
  return { fixedHeight: dims[row] ?? null, fixedWidth: dims[column] ?? null };
}

/** A size that the network takes, near `side`, on the grid of `multiple` but on no coarser one. */
export function probeSize(
  ends: ModelEnds,
  { layout, multiple }: Pick<ModelFacts, 'layout' | 'multiple'>,
  side = PROBE_SIDE,
): { width: number; height: number } {
  const odd = Math.max(1, Math.floor(side / multiple / 2) * 2 + 1);
  const fixed = readFixed(ends, layout);
  return { width: fixed.fixedWidth ?? (odd + 2) * multiple, height: fixed.fixedHeight ?? odd * multiple };
}

/** The first layout, channel count and grid that the network gives a larger picture for. */
async function findTrait(network: ProbeNetwork, ends: ModelEnds, file: string): Promise<Trait> {
  let failure: unknown;
  let reason: string | null = null;
  for (const candidate of ends.candidates) {
    for (const multiple of MULTIPLES) {
      const { width, height } = probeSize(ends, { ...candidate, multiple });
      let result: Picture | null;
      try {
        result = await network.run(makePicture(candidate.channels, width, height, paint), candidate.layout);
      } catch (error) {
        failure ??= error;
        continue;
      }
      if (result === null) {
        reason ??= 'what it gives is no single picture';
        continue;
      }
      const scale = result.width / width;
      if (scale !== result.height / height || !Number.isInteger(scale)) {
        reason ??= `it makes ${result.width}x${result.height} of ${width}x${height}, which is no whole factor`;
        continue;
      }
      if (result.channels !== candidate.channels) {
        throw refuse(file, `it takes ${candidate.channels} channels and gives ${result.channels}`);
      }
      if (scale < 2) throw refuse(file, `it gives a picture of the same size (${width}x${height})`);
      return { ...candidate, multiple, scale };
    }
  }
  throw refuse(file, reason ?? `it fails on small pictures (${describeFailure(failure)})`, failure);
}

/** A soft pattern, different in every channel, that no upscaler has a reason to change much. */
function paint(x: number, y: number, channel: number): number {
  return 0.5 + 0.2 * Math.sin(x / 5 + channel) + 0.15 * Math.cos(y / 7 - channel);
}

/** Whether white is 1 or 255: the one with which the picture comes out as it went in. */
async function findRange(
  network: ProbeNetwork,
  ends: ModelEnds,
  trait: Trait,
  file: string,
): Promise<number> {
  if (ends.elementType === 'uint8') return 255;
  if (ends.elementType === 'uint16') return 65535;
  const { width, height } = probeSize(ends, trait);
  const error = async (white: number): Promise<number> => {
    const picture = makePicture(trait.channels, width, height, (x, y, c) => white * paint(x, y, c));
    const result = await network.run(picture, trait.layout);
    if (result === null) return Infinity;
    return compareInside(picture, result, trait.scale) / white;
  };
  const [small, large] = [await error(1), await error(255)];
  if (small === Infinity && large === Infinity) throw refuse(file, 'it gives what are no numbers');
  // Networks are nearly linear, so one made for 0..1 often does well at 0..255: only a clear gain speaks for that.
  return Number.isFinite(large) && large < 0.5 * small && small > 0.05 ? 255 : 1;
}

/** Mean difference between a picture and its enlargement, away from the borders. */
function compareInside(picture: Picture, result: Picture, scale: number): number {
  const margin = Math.min(8, picture.width >> 2, picture.height >> 2);
  let sum = 0;
  let count = 0;
  for (let c = 0; c < picture.channels; c++) {
    for (let y = margin; y < picture.height - margin; y++) {
      for (let x = margin; x < picture.width - margin; x++) {
        const at = (c * result.height + y * scale) * result.width + x * scale;
        const value = result.values[at] ?? 0;
        sum += Math.abs(value - (picture.values[(c * picture.height + y) * picture.width + x] ?? 0));
        count++;
      }
    }
  }
  return count === 0 || Number.isNaN(sum) ? Infinity : sum / count;
}

async function measureCost(
  model: OnnxModel,
  ends: ModelEnds,
  trait: Trait,
): Promise<Pick<ModelFacts, 'flopsPerSample' | 'bytesPerSample'>> {
  const size = probeSize(ends, trait, 64);
  const shapes = await readShapes(model, ends, trait, size);
  const area = size.width * size.height;
  // On a CPU halves are computed in float32 too. The device's own scratch memory comes on top: an eighth more is what convolutions took in measurements.
  return {
    flopsPerSample: Math.round(countFlops(model.graph, shapes) / area),
    bytesPerSample: Math.ceil((countPeakBytes(model.graph, shapes, 4) * 1.125) / area),
  };
}
