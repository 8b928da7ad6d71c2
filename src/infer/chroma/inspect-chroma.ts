import { UpscaleError } from '../../core/errors.ts';
import { CHROMA_ENDS } from '../graph/compose-chroma.ts';
import { countFlops, countPeakBytes, exposeValues } from '../graph/measure-graph.ts';
import { writeOnnx, type OnnxModel } from '../graph/onnx-model.ts';
import { makeTraceable } from '../graph/trace-reach.ts';
import type { ChromaNetwork } from '../infer-plan.ts';
import { openSession, type TensorView } from '../onnxruntime.ts';
import { parseModel, readModelFile } from '../read-model.ts';

/** Chroma samples a side: a chroma network that reaches further than a third of it is none of ours. */
const SIDE = 48;
const MIDDLE = SIDE / 2;
/** As for models of whole pictures: an eighth on top of the activations is what convolutions took in measurements. */
const SCRATCH = 1.125;

/** What can be found out from a chroma network's file: all but its siting, which no graph tells. */
export async function inspectChroma(
  file: string,
): Promise<Pick<ChromaNetwork, 'sha256' | 'receptiveRadius' | 'flopsPerSample' | 'bytesPerSample'>> {
  const source = await readModelFile(file);
  const model = await parseModel(source);
  const shapes = await readShapes(model);
  const area = SIDE * SIDE;
  return {
    sha256: source.sha256,
    receptiveRadius: await measureReach(model, file),
    flopsPerSample: Math.round(countFlops(model.graph, shapes) / area),
    bytesPerSample: Math.ceil((countPeakBytes(model.graph, shapes, 4) * SCRATCH) / area),
  };
}

async function readShapes(model: OnnxModel): Promise<Map<string, readonly number[]>> {
  const results = await evaluate(exposeValues(model), (value) => value, true);
  return new Map([...results].map(([name, { dims }]) => [name, dims]));
}

/** Makes a chroma sample, and the luma over it, no number, and looks how far that spreads; up to whole chroma samples. */
async function measureReach(model: OnnxModel, file: string): Promise<number> {
  const traceable = makeTraceable(model);
  const results =
    traceable === null ? null : await evaluate(traceable, (_, isMiddle) => (isMiddle ? NaN : 0.1));
  const result = results?.get(CHROMA_ENDS.doubled);
  let reach = -1;
  result?.data.forEach((value, i) => {
    if (!Number.isNaN(value)) return;
    const places = [i % (2 * SIDE), Math.floor(i / (2 * SIDE)) % (2 * SIDE)];
    for (const place of places) reach = Math.max(reach, Math.abs(Math.floor(place / 2) - MIDDLE));
  });
  if (reach < 0 || reach > SIDE / 3) {
    throw new UpscaleError('MODEL_INVALID', `How far ${file} reaches cannot be told.`);
  }
  return reach;
}

/** Runs a network on a plain picture; `fill` changes the samples that lie over the chroma sample in the middle. */
async function evaluate(
  model: OnnxModel,
  fill: (value: number, isMiddle: boolean) => number,
  keepGraph = false,
): Promise<Map<string, TensorView>> {
  const session = await openSession(writeOnnx(model), { device: 'cpu', threads: 1, keepGraph });
  const plane = (count: number, scale: number): TensorView => {
    const side = SIDE * scale;
    const data = Float32Array.from({ length: count * side * side }, (_, i) => {
      const x = Math.floor((i % side) / scale);
      const y = Math.floor((Math.floor(i / side) % side) / scale);
      return fill(0.1, x === MIDDLE && y === MIDDLE);
    });
    return { data, dims: [1, count, side, side] };
  };
  try {
    return await session.evaluate({ [CHROMA_ENDS.chroma]: plane(2, 1), [CHROMA_ENDS.luma]: plane(1, 2) });
  } finally {
    await session.close();
  }
}
