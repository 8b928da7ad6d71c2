import { boundReach } from './graph/bound-reach.ts';
import { makeTraceable } from './graph/trace-reach.ts';
import type { OnnxModel } from './graph/onnx-model.ts';
import type { ModelFacts } from './infer-plan.ts';
import type { ModelEnds } from './model-ends.ts';
import { tileGrid } from './pass-geometry.ts';
import { makePicture, ProbeNetwork, type Picture } from './probe-network.ts';

const SIDES = [48, 96, 192, 384] as const;

/**
 * How many input samples to each side an output sample depends on: one cell of the grid that tiles stand on is made NaN, and the result
 * shows how far it spreads. Null for networks that look at the whole picture, or that this cannot be told of.
 */
export async function measureReach(
  model: OnnxModel,
  ends: ModelEnds,
  trait: Pick<ModelFacts, 'layout' | 'channels' | 'multiple' | 'scale'>,
): Promise<number | null> {
  const traceable = makeTraceable(model);
  if (traceable === null || !ends.elementType.startsWith('float')) return null;
  const [, second, third, fourth] = ends.dims;
  const [height, width] = trait.layout === 'NCHW' ? [third, fourth] : [second, third];
  let network: ProbeNetwork | undefined;
  try {
    network = await ProbeNetwork.open(traceable, ends);
    const cell = tileGrid(trait);
    const bound = boundReach(model.graph, ends.input, ends.output) ?? 0;
    // Sides on which it would be cut off for sure cost much and tell nothing.
    const sides = SIDES.filter((side) => side > 1.8 * bound - 8);
    for (const side of height == null && width == null ? sides : [0]) {
      const cells = Math.max(3, Math.floor(side / cell) | 1);
      const size = { width: width ?? cells * cell, height: height ?? cells * cell };
      const reach = await measureAt(network, { ...trait, cell }, size);
      if (reach !== null) return reach;
    }
    return null;
  } catch {
    // What cannot be traced is run on whole frames.
    return null;
  } finally {
    await network?.close();
  }
}

async function measureAt(
  network: ProbeNetwork,
  {
    layout,
    channels,
    cell,
    scale,
  }: Pick<ModelFacts, 'layout' | 'channels' | 'scale'> & { readonly cell: number },
  { width, height }: { readonly width: number; readonly height: number },
): Promise<number | null> {
  const left = Math.floor(width / cell / 2) * cell;
  const top = Math.floor(height / cell / 2) * cell;
  const isInside = (x: number, y: number): boolean =>
    x >= left && x < left + cell && y >= top && y < top + cell;
  const picture = makePicture(channels, width, height, (x, y) => (isInside(x, y) ? NaN : 0.5));
  const result = await network.run(picture, layout);
  const box = result === null ? null : findNaNs(result);
  if (box === null) return null;
  const isCut =
    box.left === 0 || box.top === 0 || box.right === width * scale - 1 || box.bottom === height * scale - 1;
  if (isCut) return null;
  return Math.ceil(
    Math.max(
      left - box.left / scale,
      top - box.top / scale,
      (box.right + 1) / scale - (left + cell),
      (box.bottom + 1) / scale - (top + cell),
      0,
    ),
  );
}

interface Box {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

function findNaNs({ values, width, height }: Picture): Box | null {
  let [left, top, right, bottom] = [Infinity, Infinity, -1, -1];
  values.forEach((value, i) => {
    if (!Number.isNaN(value)) return;
    const x = i % width;
    const y = Math.floor(i / width) % height;
    left = Math.min(left, x);
    right = Math.max(right, x);
    top = Math.min(top, y);
    bottom = Math.max(bottom, y);
  });
  return right < 0 ? null : { left, top, right, bottom };
}
