import type { OnnxModel } from '../../graph/onnx-model.ts';
import { GraphBuilder } from '../graph-builder.ts';
import type { BinReader } from './bin-reader.ts';
import { refuseLayer, type Blob, type LayerContext, type LayerConverter } from './blob.ts';
import { convertConvolution, convertDeconvolution, convertInnerProduct } from './convert-convolution.ts';
import { convertCrop, convertSlice } from './convert-crop.ts';
import {
  convertBinary,
  convertElementwise,
  convertEltwise,
  convertPRelu,
  convertScale,
  convertUnary,
  ELEMENTWISE,
} from './convert-elementwise.ts';
import {
  convertConcat,
  convertFlatten,
  convertPermute,
  convertPixelShuffle,
  convertReorg,
  convertReshape,
  convertSplit,
} from './convert-layout.ts';
import { convertInterp, convertPadding } from './convert-sizes.ts';
import {
  convertBatchNorm,
  convertGroupNorm,
  convertLayerNorm,
  convertPooling,
  convertReduction,
  convertSoftmax,
} from './convert-statistics.ts';
import type { NcnnLayer } from './read-param.ts';

/** MemoryData: a constant. */
const convertMemoryData: LayerConverter = ({ params }, _inputs, { graph, weights }) => {
  const sizes = [params.size(2, 0), params.size(1, 0), params.size(0, 0)].filter((size) => size > 0);
  const count = sizes.reduce((product, size) => product * size, 1);
  const data = params.integer(21, 1) === 0 ? weights.readTagged(count) : weights.readPlain(count);
  const rank = sizes.length === 3 ? 3 : sizes.length === 2 ? 2 : 1;
  return [{ value: graph.tensor({ dims: [1, ...sizes], data }), rank, channels: sizes[0] ?? 1 }];
};

/** All layers that can be converted, by ncnn's names. */
const CONVERTERS: ReadonlyMap<string, LayerConverter> = new Map([
  ...Object.keys(ELEMENTWISE).map((type): [string, LayerConverter] => [type, convertElementwise]),
  ['BatchNorm', convertBatchNorm],
  ['Bias', convertScale],
  ['BinaryOp', convertBinary],
  ['Concat', convertConcat],
  ['Convolution', convertConvolution],
  ['ConvolutionDepthWise', convertConvolution],
  ['Crop', convertCrop],
  ['Deconvolution', convertDeconvolution],
  ['DeconvolutionDepthWise', convertDeconvolution],
  ['Eltwise', convertEltwise],
  ['Flatten', convertFlatten],
  ['GroupNorm', convertGroupNorm],
  ['InnerProduct', convertInnerProduct],
  ['InstanceNorm', convertGroupNorm],
  ['Interp', convertInterp],
  ['LayerNorm', convertLayerNorm],
  ['MemoryData', convertMemoryData],
  ['Padding', convertPadding],
  ['Permute', convertPermute],
  ['PixelShuffle', convertPixelShuffle],
  ['Pooling', convertPooling],
  ['PReLU', convertPRelu],
  ['Reduction', convertReduction],
  ['Reorg', convertReorg],
  ['Reshape', convertReshape],
  ['Scale', convertScale],
  ['Slice', convertSlice],
  ['Softmax', convertSoftmax],
  ['Split', convertSplit],
  ['UnaryOp', convertUnary],
]);

/**
 * Makes a graph of ncnn's layers, for a picture of `channels`. Throws an `Error` that names the layer where one is not known or does not fit, and where the
 * weights are fewer or more than the layers take.
 */
export function buildGraph(layers: readonly NcnnLayer[], weights: BinReader, channels: number): OnnxModel {
  const graph = new GraphBuilder(channels);
  const context: LayerContext = { graph, weights };
  const blobs = new Map<string, Blob>();
  for (const layer of layers) {
    const inputs = layer.bottoms.flatMap((name) => blobs.get(name) ?? []);
    const outputs =
      layer.type === 'Input'
        ? [{ value: graph.input, rank: 3, channels } satisfies Blob]
        : findConverter(layer)(layer, inputs, context);
    if (outputs.length !== layer.tops.length) {
      throw refuseLayer(layer, `writes ${layer.tops.length} blobs where it makes ${outputs.length}`);
    }
    layer.tops.forEach((name, i) => {
      const output = outputs[i];
      if (output !== undefined) blobs.set(name, output);
    });
  }
  if (weights.remaining > 0) {
    throw new Error(`its weights hold ${weights.remaining} bytes more than its layers take`);
  }
  const result = blobs.get(findResult(layers));
  if (result?.rank !== 3) throw new Error('what it gives is no picture');
  return graph.finish(result.value);
}

function findConverter(layer: NcnnLayer): LayerConverter {
  const converter = CONVERTERS.get(layer.type);
  if (converter === undefined)
    throw new Error(`its layer ${layer.name} is of type ${layer.type}, which is not known`);
  return converter;
}

/** The one blob that no layer reads. */
function findResult(layers: readonly NcnnLayer[]): string {
  const read = new Set(layers.flatMap(({ bottoms }) => bottoms));
  const results = layers.flatMap(({ tops }) => tops).filter((name) => !read.has(name));
  const [result] = results;
  if (result === undefined || results.length > 1) {
    throw new Error(`it gives ${results.length} results (${results.join(', ')}) instead of one picture`);
  }
  return result;
}
