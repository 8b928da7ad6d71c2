import {
  makeNode,
  makeValueInfo,
  ONNX_TYPE,
  type OnnxAttribute,
  type OnnxModel,
  type OnnxNode,
  type OnnxTensor,
} from '../graph/onnx-model.ts';
import { makeIntegers } from '../graph/tensor-values.ts';
import type { WeightTensor } from './state-dict.ts';

/** Weights of a convolution: [outputs, inputs / groups, height, width], and one bias an output. */
export interface ConvWeights {
  readonly weight: WeightTensor;
  readonly bias: WeightTensor | null;
}

export interface ConvOptions {
  /** @defaultValue 1 */
  readonly stride?: number;
  /** Zeros at each side. @defaultValue what keeps the size at stride 1 */
  readonly padding?: number;
  /** @defaultValue 1 */
  readonly groups?: number;
}

/** An attribute of a node: whole numbers, a text, or a number with a point. */
export type AttributeValue = number | readonly number[] | string | { readonly float: number };

const OPSET = 17;
const IR_VERSION = 8;

/**
 * Builds an ONNX graph (operator set 17) step by step. Each method adds nodes and returns the name of what they give; values are
 * [1, channels, height, width] of float32 with free sizes. Behaviour and channel orders are PyTorch's.
 */
export class GraphBuilder {
  /** Name of the picture that comes in. */
  readonly input = 'input';
  readonly #channels: number;
  readonly #nodes: OnnxNode[] = [];
  readonly #initializers: OnnxTensor[] = [];

  /** @param channels - Of the picture that comes in and of the one that goes out. */
  constructor(channels: number) {
    this.#channels = channels;
  }

  /** Adds a node of any operator with one output. */
  node(
    operation: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, AttributeValue>> = {},
  ): string {
    const output = `v${this.#nodes.length}`;
    const node = makeNode(operation, [...inputs], [output]);
    node.attribute = Object.entries(attributes).map(([name, value]) => makeAttribute(name, value));
    this.#nodes.push(node);
    return output;
  }

  /** Adds a constant of float32; the numbers are not copied. */
  tensor({ dims, data }: WeightTensor): string {
    const name = `w${this.#initializers.length}`;
    const rawData = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    this.#initializers.push({ name, dims: [...dims], dataType: ONNX_TYPE.float, rawData });
    return name;
  }

  /** Adds a single number. */
  scalar(value: number): string {
    return this.tensor({ dims: [], data: Float32Array.of(value) });
  }

  /** Adds a list of whole numbers: sizes, axes, indices. */
  integers(values: readonly number[]): string {
    const name = `w${this.#initializers.length}`;
    this.#initializers.push(makeIntegers(name, [values.length], values));
    return name;
  }

  conv(value: string, { weight, bias }: ConvWeights, options: ConvOptions = {}): string {
    const [, , height = 1, width = 1] = weight.dims;
    const { stride = 1, groups = 1, padding } = options;
    const [y, x] = [padding ?? height >> 1, padding ?? width >> 1];
    const inputs = [value, this.tensor(weight), ...(bias === null ? [] : [this.tensor(bias)])];
    return this.node('Conv', inputs, {
      kernel_shape: [height, width],
      strides: [stride, stride],
      pads: [y, x, y, x],
      group: groups,
    });
  }

  /** One slope a channel, or one for all. */
  prelu(value: string, { data }: WeightTensor): string {
    return this.node('PRelu', [value, this.tensor({ dims: [data.length, 1, 1], data })]);
  }

  leakyRelu(value: string, slope: number): string {
    return this.node('LeakyRelu', [value], { alpha: { float: slope } });
  }

  relu(value: string): string {
    return this.node('Relu', [value]);
  }

  sigmoid(value: string): string {
    return this.node('Sigmoid', [value]);
  }

  silu(value: string): string {
    return this.mul(value, this.sigmoid(value));
  }

  /** With the error function, as `nn.GELU()` is without arguments. */
  gelu(value: string): string {
    const erf = this.node('Erf', [this.scale(value, Math.SQRT1_2)]);
    return this.scale(this.mul(value, this.shift(erf, 1)), 0.5);
  }

  mish(value: string): string {
    return this.mul(value, this.node('Tanh', [this.node('Softplus', [value])]));
  }

  add(left: string, right: string): string {
    return this.node('Add', [left, right]);
  }

  sub(left: string, right: string): string {
    return this.node('Sub', [left, right]);
  }

  mul(left: string, right: string): string {
    return this.node('Mul', [left, right]);
  }

  /** Multiplies by a number. */
  scale(value: string, factor: number): string {
    return this.mul(value, this.scalar(factor));
  }

  /** Adds a number. */
  shift(value: string, amount: number): string {
    return this.add(value, this.scalar(amount));
  }

  /** One number a channel, to be multiplied with or added to a value. */
  perChannel({ data }: { readonly data: Float32Array }): string {
    return this.tensor({ dims: [1, data.length, 1, 1], data });
  }

  concat(values: readonly string[]): string {
    return this.node('Concat', values, { axis: 1 });
  }

  /** Channels `from` up to and without `to`. */
  sliceChannels(value: string, from: number, to: number): string {
    return this.node('Slice', [value, this.integers([from]), this.integers([to]), this.integers([1])]);
  }

  /** `nn.PixelShuffle`. */
  pixelShuffle(value: string, factor: number): string {
    return factor === 1 ? value : this.node('DepthToSpace', [value], { blocksize: factor, mode: 'CRD' });
  }

  /** `nn.PixelUnshuffle`, which puts the samples of a block beside each other a channel; SpaceToDepth does it the other way round. */
  pixelUnshuffle(value: string, channels: number, factor: number): string {
    if (factor === 1) return value;
    const folded = this.node('SpaceToDepth', [value], { blocksize: factor });
    if (channels === 1) return folded;
    const block = factor * factor;
    const order = Array.from(
      { length: channels * block },
      (_, i) => (i % block) * channels + Math.floor(i / block),
    );
    return this.node('Gather', [folded, this.integers(order)], { axis: 1 });
  }

  /** `torch.repeat_interleave` of channels. As a convolution, so that what follows can be folded into it. */
  repeatChannels(value: string, channels: number, times: number): string {
    const data = new Float32Array(channels * times * channels);
    for (let i = 0; i < channels * times; i++) data[i * channels + Math.floor(i / times)] = 1;
    return this.conv(value, { weight: { dims: [channels * times, channels, 1, 1], data }, bias: null });
  }

  /** `F.interpolate(mode='nearest')` by a whole factor. */
  resizeNearest(value: string, factor: number): string {
    return this.node('Resize', [value, '', this.#scales(factor)], {
      mode: 'nearest',
      coordinate_transformation_mode: 'asymmetric',
      nearest_mode: 'floor',
    });
  }

  /** `F.interpolate(mode='bilinear', align_corners=False)` by a whole factor. */
  resizeBilinear(value: string, factor: number): string {
    return this.node('Resize', [value, '', this.#scales(factor)], {
      mode: 'linear',
      coordinate_transformation_mode: 'half_pixel',
    });
  }

  /** `F.interpolate(mode='bilinear', align_corners=False)` to the width and height of `like`. */
  resizeBilinearLike(value: string, like: string): string {
    const own = this.node('Shape', [value], { start: 0, end: 2 });
    const size = this.node('Shape', [like], { start: 2, end: 4 });
    const sizes = this.node('Concat', [own, size], { axis: 0 });
    return this.node('Resize', [value, '', '', sizes], {
      mode: 'linear',
      coordinate_transformation_mode: 'half_pixel',
    });
  }

  square(value: string): string {
    return this.mul(value, value);
  }

  sqrt(value: string): string {
    return this.node('Sqrt', [value]);
  }

  globalAveragePool(value: string): string {
    return this.node('GlobalAveragePool', [value]);
  }

  maxPool(value: string, kernel: number, stride: number): string {
    return this.node('MaxPool', [value], { kernel_shape: [kernel, kernel], strides: [stride, stride] });
  }

  /** Mirrors `amount` samples at each side; the outermost sample is not repeated. */
  padReflect(value: string, amount: number): string {
    const pads = this.integers([0, 0, amount, amount, 0, 0, amount, amount]);
    return this.node('Pad', [value, pads], { mode: 'reflect' });
  }

  /** Layer norm over the channels of each sample alone. */
  normalizeChannels(value: string, gain: WeightTensor, bias: WeightTensor, epsilon: number): string {
    const mean = (of: string): string => this.node('ReduceMean', [of], { axes: [1], keepdims: 1 });
    const centered = this.sub(value, mean(value));
    const deviation = this.sqrt(this.shift(mean(this.square(centered)), epsilon));
    const normal = this.node('Div', [centered, deviation]);
    return this.add(this.mul(normal, this.perChannel(gain)), this.perChannel(bias));
  }

  /** `nn.GroupNorm`, which takes mean and deviation over the whole picture. */
  groupNorm(value: string, groups: number, gain: WeightTensor, bias: WeightTensor): string {
    const grouped = this.node('Reshape', [value, this.integers([0, groups, -1])]);
    const ones = this.tensor({ dims: [groups], data: new Float32Array(groups).fill(1) });
    const zeros = this.tensor({ dims: [groups], data: new Float32Array(groups) });
    const normal = this.node('InstanceNormalization', [grouped, ones, zeros], { epsilon: { float: 1e-5 } });
    const shaped = this.node('Reshape', [normal, this.node('Shape', [value])]);
    return this.add(this.mul(shaped, this.perChannel(gain)), this.perChannel(bias));
  }

  /** The graph that gives `value`. */
  finish(value: string): OnnxModel {
    const node = [...this.#nodes, makeNode('Identity', [value], ['output'])];
    const last = this.#nodes.at(-1);
    if (last?.output[0] === value && !this.#nodes.some(({ input }) => input.includes(value))) {
      last.output[0] = 'output';
      node.pop();
    }
    const channels = this.#channels;
    return {
      irVersion: IR_VERSION,
      opsetImport: [{ domain: '', version: OPSET }],
      graph: {
        name: 'network',
        node,
        initializer: this.#initializers,
        input: [makeValueInfo(this.input, ONNX_TYPE.float, [1, channels, 'height', 'width'])],
        output: [makeValueInfo('output', ONNX_TYPE.float, [1, channels, 'outHeight', 'outWidth'])],
        valueInfo: [],
      },
    };
  }

  #scales(factor: number): string {
    return this.tensor({ dims: [4], data: Float32Array.of(1, 1, factor, factor) });
  }
}

function makeAttribute(name: string, value: AttributeValue): OnnxAttribute {
  if (typeof value === 'number') return { name, type: 2, i: value };
  if (typeof value === 'string') return { name, type: 3, s: new TextEncoder().encode(value) };
  if ('float' in value) return { name, type: 1, f: value.float };
  return { name, type: 7, ints: [...value] };
}
