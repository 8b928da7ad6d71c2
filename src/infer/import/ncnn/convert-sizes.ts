import type { GraphBuilder } from '../graph-builder.ts';
import { firstOf, refuseLayer, type LayerConverter } from './blob.ts';

/** By ncnn's number; bicubic has the same -0.75 as PyTorch's. */
const MODES = ['', 'nearest', 'linear', 'cubic'] as const;
const CUBIC_COEFFICIENT = -0.75;

/** No upscaler does more at once; what does would only take all memory when it is tried out. */
const MOST_FACTOR = 16;
const MOST_SAMPLES = 7680 * 4320;
const MOST_PADDING = 1024;

/** Interp: resizes by factors, to fixed sizes, or to the size of a second blob. */
export const convertInterp: LayerConverter = (layer, inputs, { graph }) => {
  const { params } = layer;
  const input = firstOf(layer, inputs);
  const mode = MODES[params.integer(0, 0)];
  if (mode === undefined || mode === '') throw refuseLayer(layer, 'asks for a filter that is not known');
  if (input.rank !== 3) throw refuseLayer(layer, 'resizes what is no picture');
  if (params.has(9)) throw refuseLayer(layer, 'takes its sizes from an expression');
  const [height, width] = [params.size(3, 0), params.size(4, 0)];
  const factors = [params.float(1, 1), params.float(2, 1)] as const;
  if (height * width > MOST_SAMPLES || factors.some((factor) => !(factor > 0 && factor <= MOST_FACTOR))) {
    throw refuseLayer(layer, `makes pictures of a size that no upscaler makes`);
  }
  const like = inputs[1];
  const shape =
    like === undefined
      ? height > 0 && width > 0
        ? graph.integers([height, width])
        : null
      : graph.node('Shape', [like.value], { start: 2 });
  const sizes =
    shape === null
      ? sizeByFactors(graph, input.value, ...factors)
      : ['', withBatch(graph, input.value, shape)];
  const isNearest = mode === 'nearest';
  const place = params.integer(6, 0) === 0 ? 'half_pixel' : 'align_corners';
  const value = graph.node('Resize', [input.value, '', ...sizes], {
    mode,
    coordinate_transformation_mode: isNearest ? 'asymmetric' : place,
    ...(isNearest ? { nearest_mode: 'floor' } : {}),
    ...(mode === 'cubic' ? { cubic_coeff_a: { float: CUBIC_COEFFICIENT } } : {}),
  });
  return [{ ...input, value }];
};

/** ncnn rounds a size down first and then samples by the ratio of sizes, which for odd ones is not the factor. */
function sizeByFactors(graph: GraphBuilder, value: string, y: number, x: number): string[] {
  if (Number.isInteger(y) && Number.isInteger(x)) {
    return [graph.tensor({ dims: [4], data: Float32Array.of(1, 1, y, x) })];
  }
  const size = graph.node('Cast', [graph.node('Shape', [value], { start: 2 })], { to: 1 });
  const product = graph.mul(size, graph.tensor({ dims: [2], data: Float32Array.of(y, x) }));
  return ['', withBatch(graph, value, graph.node('Cast', [graph.node('Floor', [product])], { to: 7 }))];
}

function withBatch(graph: GraphBuilder, value: string, size: string): string {
  return graph.node('Concat', [graph.node('Shape', [value], { start: 0, end: 2 }), size], { axis: 0 });
}

/** By ncnn's number. */
const PAD_MODES = ['constant', 'edge', 'reflect'] as const;

/** Padding: a constant, the outermost sample again, or a mirror. */
export const convertPadding: LayerConverter = (layer, inputs, { graph }) => {
  const { params } = layer;
  const input = firstOf(layer, inputs);
  const mode = PAD_MODES[params.integer(4, 0)];
  if (mode === undefined || inputs.length > 1 || params.integer(6, 0) !== 0) {
    throw refuseLayer(layer, 'pads in a way that is not known');
  }
  const [top, bottom, left, right] = [
    params.size(0, 0),
    params.size(1, 0),
    params.size(2, 0),
    params.size(3, 0),
  ];
  const [front, behind] = [params.size(7, 0), params.size(8, 0)];
  if ([top, bottom, left, right, front, behind].some((amount) => amount > MOST_PADDING)) {
    throw refuseLayer(layer, 'pads by more than any picture needs');
  }
  const before = [front, top, left].slice(3 - input.rank);
  const after = [behind, bottom, right].slice(3 - input.rank);
  const pads = graph.integers([0, ...before, 0, ...after]);
  const constant = mode === 'constant' ? [graph.scalar(params.float(5, 0))] : [];
  const channels = input.rank === 3 && input.channels !== null ? input.channels + front + behind : null;
  return [{ ...input, value: graph.node('Pad', [input.value, pads, ...constant], { mode }), channels }];
};
