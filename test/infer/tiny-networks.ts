import {
  makeNode,
  makeValueInfo,
  ONNX_TYPE,
  writeOnnx,
  type OnnxNode,
  type OnnxTensor,
} from '../../src/infer/graph/onnx-model.ts';
import { makeFloats, makeIntegers } from '../../src/infer/graph/tensor-values.ts';

/** What a tiny network is made of; the writer adds the rest. */
export interface TinyNetwork {
  readonly nodes: OnnxNode[];
  readonly weights?: OnnxTensor[];
  readonly input?: readonly (number | string)[];
  readonly output?: readonly (number | string)[];
  readonly opset?: number;
}

/** Writes a network from `x` to `y` as the bytes of an ONNX file. */
export function writeNetwork(network: TinyNetwork): Uint8Array {
  const type = ONNX_TYPE.float;
  return writeOnnx({
    irVersion: 8,
    opsetImport: [{ domain: '', version: network.opset ?? 17 }],
    graph: {
      name: 'tiny',
      node: network.nodes,
      initializer: network.weights ?? [],
      input: [makeValueInfo('x', type, network.input ?? [1, 1, 'height', 'width'])],
      output: [makeValueInfo('y', type, network.output ?? [1, 1, 'outHeight', 'outWidth'])],
      valueInfo: [],
    },
  });
}

/** Numbers that look random and are the same everywhere. */
export function makeNoise(length: number, seed: number): Float32Array {
  let state = seed >>> 0 || 1;
  return Float32Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32 - 0.5;
  });
}

/**
 * Weights of a convolution that keeps flat ground flat: noise of which the sum over each output channel is 1.
 *
 * @param shape - Output channels, input channels, kernel height and width.
 */
export function makeKernel(name: string, shape: readonly number[], seed: number): OnnxTensor {
  const [outputs = 1, ...rest] = shape;
  const size = rest.reduce((product, value) => product * value, 1);
  const values = makeNoise(outputs * size, seed).map((value) => (value * 0.6) / size);
  for (let i = 0; i < outputs; i++) {
    const sum = values.subarray(i * size, (i + 1) * size).reduce((total, value) => total + value, 0);
    for (let k = 0; k < size; k++) values[i * size + k] = (values[i * size + k] ?? 0) + (1 - sum) / size;
  }
  return makeFloats(name, shape, values);
}

function makeConvolution(
  input: string,
  weight: string,
  output: string,
  attributes: Readonly<Record<string, number | readonly number[]>>,
): OnnxNode {
  return makeNode('Conv', [input, weight], [output], attributes);
}

const SAME = { kernel_shape: [3, 3], pads: [1, 1, 1, 1] };

/** 3x3, then DepthToSpace: radius 1. */
export function makePlainNetwork(channels = 1, opset = 17): TinyNetwork {
  return {
    nodes: [makeConvolution('x', 'w', 'c', SAME), makeNode('DepthToSpace', ['c'], ['y'], { blocksize: 2 })],
    weights: [makeKernel('w', [4 * channels, channels, 3, 3], 7)],
    input: [1, channels, 'height', 'width'],
    output: [1, channels, 'outHeight', 'outWidth'],
    opset,
  };
}

/** 3x3, 3x3 with dilation 2, residual, 3x3, DepthToSpace: radius 4. */
export function makeDeepNetwork(): TinyNetwork {
  return {
    nodes: [
      makeConvolution('x', 'head', 'a', SAME),
      makeNode('Relu', ['a'], ['b']),
      makeConvolution('b', 'body', 'c', { kernel_shape: [3, 3], pads: [2, 2, 2, 2], dilations: [2, 2] }),
      makeNode('Add', ['b', 'c'], ['d']),
      makeConvolution('d', 'tail', 'e', SAME),
      makeNode('DepthToSpace', ['e'], ['f'], { blocksize: 2 }),
      makeNode('Mul', ['f', 'half'], ['y']),
    ],
    weights: [
      makeKernel('head', [8, 1, 3, 3], 1),
      makeKernel('body', [8, 8, 3, 3], 2),
      makeKernel('tail', [4, 8, 3, 3], 3),
      makeFloats('half', [], [0.5]),
    ],
  };
}

/** A 4x4 convolution of stride 2, then DepthToSpace by 4: sizes must be even, and tiles must stand on even samples. */
export function makeStridedNetwork(): TinyNetwork {
  return {
    nodes: [
      makeConvolution('x', 'w', 'c', { kernel_shape: [4, 4], strides: [2, 2], pads: [1, 1, 1, 1] }),
      makeNode('DepthToSpace', ['c'], ['y'], { blocksize: 4 }),
    ],
    weights: [makeKernel('w', [16, 1, 4, 4], 5)],
  };
}

/** SpaceToDepth by 4 first: sizes must be multiples of 4. */
export function makeUnshuffledNetwork(): TinyNetwork {
  return {
    nodes: [
      makeNode('SpaceToDepth', ['x'], ['s'], { blocksize: 4 }),
      makeConvolution('s', 'w', 'c', SAME),
      makeNode('DepthToSpace', ['c'], ['y'], { blocksize: 8 }),
    ],
    weights: [makeKernel('w', [64, 16, 3, 3], 11)],
  };
}

/** A transposed convolution of stride 2 does the enlarging. */
export function makeTransposedNetwork(): TinyNetwork {
  return {
    nodes: [
      makeConvolution('x', 'w', 'c', SAME),
      makeNode('ConvTranspose', ['c', 't'], ['y'], {
        kernel_shape: [4, 4],
        strides: [2, 2],
        pads: [1, 1, 1, 1],
      }),
    ],
    weights: [
      makeKernel('w', [4, 1, 3, 3], 13),
      makeFloats('t', [4, 1, 4, 4], new Float32Array(64).fill(1 / 16)),
    ],
  };
}

/** Bilinear Resize with a convolution added to it. */
export function makeResizedNetwork(): TinyNetwork {
  const resize = makeNode('Resize', ['x', '', 'scales'], ['r']);
  const words = { mode: 'linear', coordinate_transformation_mode: 'half_pixel' };
  for (const [name, text] of Object.entries(words)) {
    resize.attribute.push({ name, type: 3, s: new TextEncoder().encode(text) });
  }
  return {
    nodes: [
      resize,
      makeConvolution('x', 'w', 'c', SAME),
      makeNode('DepthToSpace', ['c'], ['d'], { blocksize: 2 }),
      makeNode('Add', ['r', 'd'], ['e']),
      makeNode('Mul', ['e', 'half'], ['y']),
    ],
    weights: [
      makeKernel('w', [4, 1, 3, 3], 17),
      makeFloats('scales', [4], [1, 1, 2, 2]),
      makeFloats('half', [], [0.5]),
    ],
  };
}

/** The picture's mean has a say in every sample: no tile can be exact. */
export function makeGlobalNetwork(operation: 'GlobalAveragePool' | 'ReduceMean' | 'ReduceMax'): TinyNetwork {
  const axes = operation === 'GlobalAveragePool' ? {} : { axes: [2, 3], keepdims: 1 };
  return {
    nodes: [
      makeNode(operation, ['x'], ['m'], axes),
      makeNode('Mul', ['m', 'little'], ['n']),
      makeNode('Mul', ['x', 'much'], ['z']),
      makeNode('Add', ['z', 'n'], ['a']),
      makeConvolution('a', 'w', 'c', SAME),
      makeNode('DepthToSpace', ['c'], ['y'], { blocksize: 2 }),
    ],
    weights: [
      makeKernel('w', [4, 1, 3, 3], 19),
      makeFloats('little', [], [0.1]),
      makeFloats('much', [], [0.9]),
    ],
  };
}

/**
 * Takes any size: it pads to even ones by itself, folds each 2x2 into channels, and cuts what is too much off the end. The way
 * that PyTorch's `pixel_unshuffle` comes out of its ONNX exporter.
 */
export function makeSelfPaddingNetwork(): TinyNetwork {
  return {
    nodes: [
      makeNode('Shape', ['x'], ['size']),
      makeNode('Mod', ['size', 'two'], ['excess']),
      makeNode('Slice', ['excess', 'spatial', 'end'], ['after']),
      makeNode('Concat', ['none', 'after'], ['pads'], { axis: 0 }),
      makeNode('Pad', ['x', 'pads'], ['p']),
      makeNode('SpaceToDepth', ['p'], ['s'], { blocksize: 2 }),
      makeConvolution('s', 'w', 'c', SAME),
      makeNode('DepthToSpace', ['c'], ['d'], { blocksize: 4 }),
      makeNode('Mul', ['size', 'two'], ['whole']),
      makeNode('Slice', ['whole', 'spatial', 'end'], ['ends']),
      makeNode('Slice', ['d', 'zeros', 'ends', 'axes'], ['y']),
    ],
    weights: [
      makeKernel('w', [16, 4, 3, 3], 23),
      makeIntegers('two', [1], [2]),
      makeIntegers('spatial', [1], [2]),
      makeIntegers('end', [1], [4]),
      makeIntegers('none', [6], [0, 0, 0, 0, 0, 0]),
      makeIntegers('zeros', [2], [0, 0]),
      makeIntegers('axes', [2], [2, 3]),
    ],
  };
}
