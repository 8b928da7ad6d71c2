import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { writeOnnx } from '../src/infer/graph/onnx-model.ts';
import { GraphBuilder, type ConvWeights } from '../src/infer/import/graph-builder.ts';
import type { ModelFacts } from '../src/infer/infer-plan.ts';
import { inspectModel } from '../src/infer/inspect-model.ts';

/** Name of the network that the speed of all models is told by. */
export const YARDSTICK = '16 channels x 3';

/**
 * Writes a network that takes as long as three layers of 16 channels at the source's size do, with a tail and a linear path folded into
 * stride 2: the first network that Upreel had. What its weights are does not matter to its speed.
 */
export async function writeYardstick(folder: string): Promise<ModelFacts> {
  const builder = new GraphBuilder(1);
  let features = builder.relu(builder.conv(builder.input, makeWeights(16, 1, 3)));
  for (let i = 0; i < 3; i++) features = builder.relu(builder.conv(features, makeWeights(16, 16, 3)));
  const tail = builder.conv(features, makeWeights(16, 16, 4), { stride: 2, padding: 1 });
  const linear = builder.conv(builder.input, makeWeights(16, 1, 6), { stride: 2, padding: 2 });
  const file = path.join(folder, 'yardstick.onnx');
  await writeFile(file, writeOnnx(builder.finish(builder.pixelShuffle(builder.add(tail, linear), 4))));
  return inspectModel(file);
}

/** Weights that keep flat ground flat, different for each tap. */
function makeWeights(outputs: number, inputs: number, size: number): ConvWeights {
  const taps = inputs * size * size;
  const data = Float32Array.from({ length: outputs * taps }, (_, i) => (1 + 0.5 * Math.sin(i)) / taps);
  return { weight: { dims: [outputs, inputs, size, size], data }, bias: null };
}
