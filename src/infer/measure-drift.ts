import type { OnnxModel } from './graph/onnx-model.ts';
import type { AveragedPart } from './graph/average-outputs.ts';
import { probeSize } from './inspect-model.ts';
import { readEnds } from './model-ends.ts';
import { makePicture, ProbeNetwork, type Picture } from './probe-network.ts';

/**
 * How far a network of mixed weights is from the mean of what its parts give, on a small picture with edges, as the mean difference in
 * units of white. A network between two of one training is near to it; mixed weights of strangers give anything.
 */
export async function measureDrift(mixed: OnnxModel, parts: readonly AveragedPart[]): Promise<number> {
  const results: Picture[] = [];
  for (const { model, facts } of [...parts, { model: mixed, facts: parts[0]?.facts }]) {
    if (facts === undefined) return Infinity;
    const ends = readEnds(model, facts.id);
    const { width, height } = probeSize(ends, facts);
    const picture = makePicture(
      facts.channels,
      width,
      height,
      (x, y, c) => facts.range * paintEdges(x, y, c),
    );
    const network = await ProbeNetwork.open(model, ends);
    try {
      const result = await network.run(picture, facts.layout);
      if (result === null) return Infinity;
      results.push(result);
    } finally {
      await network.close();
    }
  }
  const white = parts[0]?.facts.range ?? 1;
  const own = results.at(-1)?.values ?? new Float32Array();
  let sum = 0;
  own.forEach((value, i) => {
    const mean = parts.reduce(
      (total, { weight }, part) => total + weight * (results[part]?.values[i] ?? NaN),
      0,
    );
    sum += Math.abs(value - mean) / white;
  });
  const drift = sum / own.length;
  return Number.isNaN(drift) ? Infinity : drift;
}

/** Waves, and squares with sharp edges. */
function paintEdges(x: number, y: number, channel: number): number {
  const square = (Math.floor(x / 7) + Math.floor(y / 9) + channel) % 3 === 0 ? 0.3 : 0;
  return 0.35 + 0.2 * Math.sin(x / 4 + channel) * Math.cos(y / 5) + square;
}
