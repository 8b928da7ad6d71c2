import { firstOf, refuseLayer, toAxis, type Blob, type LayerConverter } from './blob.ts';
import type { LayerParams } from './layer-params.ts';
import type { NcnnLayer } from './read-param.ts';

/** Past the end of anything. */
const END = Number.MAX_SAFE_INTEGER;
/** What ncnn writes for a size that follows from the rest. */
const OPEN = -233;

/** Slice: cuts a blob into pieces along one axis. */
export const convertSlice: LayerConverter = (layer, inputs, { graph }) => {
  const { params, tops } = layer;
  const input = firstOf(layer, inputs);
  const axis = toAxis(layer, params.integer(1, 0), input);
  const total = axis === 1 ? input.channels : null;
  return listPieces(layer, total).map(([from, to]) => {
    const ends = [graph.integers([from]), graph.integers([to ?? END]), graph.integers([axis])];
    const value = graph.node('Slice', [input.value, ...ends]);
    if (axis !== 1) return { ...input, value };
    return { ...input, value, channels: countRange(from, to ?? END, total) };
  });

  /** Start and end of each piece; a last one without an end takes what is left. */
  function listPieces(of: NcnnLayer, size: number | null): [number, number | null][] {
    const points = params.list(2);
    if (points.length > 0) {
      if (points.length !== tops.length - 1) throw refuseLayer(of, 'does not say where to cut');
      return tops.map((_, i) => [points[i - 1] ?? 0, points[i] ?? null]);
    }
    const lengths = params.list(0);
    if (lengths.length !== tops.length) throw refuseLayer(of, 'does not say where to cut');
    let from = 0;
    return lengths.map((length, i) => {
      const isLast = i === lengths.length - 1;
      const left = size === null ? null : Math.floor((size - from) / (lengths.length - i));
      const step = length === OPEN ? left : length;
      if (step === null && !isLast) throw refuseLayer(of, 'cuts along a size that is not known');
      const to = step === null ? null : from + step;
      const piece: [number, number | null] = [from, to];
      from = to ?? from;
      return piece;
    });
  }
};

/** Crop: to given starts and ends, by offsets and sizes, or to the size of a second blob. */
export const convertCrop: LayerConverter = (layer, inputs, context) => {
  const input = firstOf(layer, inputs);
  const like = inputs[1];
  if (like !== undefined) return [cropLike(layer, input, like, context.graph)];
  const { params } = layer;
  for (const id of [19, 20, 21]) if (params.has(id)) throw refuseLayer(layer, 'cuts by an expression');
  const cuts = params.has(9) ? readRanges(layer, input) : readOffsets(layer, input);
  const { graph } = context;
  const value = graph.node('Slice', [
    input.value,
    graph.integers(cuts.map(({ from }) => from)),
    graph.integers(cuts.map(({ to }) => to)),
    graph.integers(cuts.map(({ axis }) => axis)),
  ]);
  const outer = cuts.find(({ axis }) => axis === 1);
  const channels = outer === undefined ? input.channels : countRange(outer.from, outer.to, input.channels);
  return [{ ...input, value, channels }];
};

interface Cut {
  readonly axis: number;
  readonly from: number;
  /** Negative ones count from the end. */
  readonly to: number;
}

function readRanges(layer: NcnnLayer, input: Blob): Cut[] {
  const { params } = layer;
  const [starts, ends, axes] = [params.list(9), params.list(10), params.list(11)];
  return starts.map((start, i) => {
    const end = ends[i] ?? OPEN;
    return {
      axis: toAxis(layer, axes[i] ?? i, input),
      from: start === OPEN ? 0 : start,
      to: end === OPEN || end === 0 ? END : end,
    };
  });
}

/** Width first in the parameters, channels last. */
function readOffsets(layer: NcnnLayer, { rank }: Blob): Cut[] {
  const { params } = layer;
  return (
    [
      { offset: 0, size: 3, tail: 6 },
      { offset: 1, size: 4, tail: 7 },
      { offset: 2, size: 5, tail: 8 },
    ] as const
  )
    .slice(0, rank)
    .map(({ offset, size, tail }, i) => {
      const from = params.integer(offset, 0);
      if (from < 0) throw refuseLayer(layer, 'cuts around the middle without a second blob');
      const length = params.integer(size, 0);
      const behind = params.size(tail, 0);
      return { axis: rank - i, from, to: length > 0 ? from + length : behind > 0 ? -behind : END };
    });
}

function cropLike(
  layer: NcnnLayer,
  input: Blob,
  like: Blob,
  graph: Parameters<LayerConverter>[2]['graph'],
): Blob {
  if (input.rank !== 3 || like.rank !== 3) throw refuseLayer(layer, 'cuts what is no picture');
  const size = graph.node('Shape', [like.value], { start: 1 });
  const from = isCentred(layer.params)
    ? graph.node('Div', [
        graph.sub(graph.node('Shape', [input.value], { start: 1 }), size),
        graph.integers([2]),
      ])
    : graph.integers([2, 1, 0].map((id) => layer.params.size(id, 0)));
  const value = graph.node('Slice', [input.value, from, graph.add(from, size), graph.integers([1, 2, 3])]);
  return { value, rank: 3, channels: like.channels };
}

function isCentred(params: LayerParams): boolean {
  return [0, 1, 2].every((id) => params.integer(id, 0) === OPEN);
}

function countRange(from: number, to: number, total: number | null): number | null {
  if (total === null) return from >= 0 && to >= 0 && to !== END ? to - from : null;
  const place = (at: number): number => Math.min(at < 0 ? total + at : at, total);
  return place(to) - place(from);
}
