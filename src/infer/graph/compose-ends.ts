import { UpscaleError } from '../../core/errors.ts';
import type { ModelFacts } from '../infer-plan.ts';
import { findOnlyProducer, foldInputGain, foldOutputAffine } from './fold-affine.ts';
import {
  makeNode,
  makeValueInfo,
  ONNX_TYPE,
  readOpset,
  toInteger,
  type OnnxGraph,
  type OnnxModel,
  type OnnxNode,
} from './onnx-model.ts';
import { makeFloats, makeIntegers } from './tensor-values.ts';

/** Names of a composed graph's ends. */
export const COMPOSED_INPUT = 'upreel/planes';
export const COMPOSED_OUTPUT = 'upreel/result';

/** What a composed graph takes and gives: planes of code values as they lie in the arena. */
export interface PlaneEnds {
  /** 1: one plane; 3: G, B, R; 4: G, B, R, A. */
  readonly inputPlanes: 1 | 3 | 4;
  readonly outputPlanes: 1 | 3 | 4;
  readonly inputBits: number;
  readonly outputBits: number;
  /** Full range: white is the largest code value; else it is 255 shifted to the depth, and so are the network's 0 and 1. */
  readonly fullRange: boolean;
  /** Whether bytes may be made before pixels are shuffled: less to move on a CPU, but a step that GPUs do not have for bytes. */
  readonly shuffleBytes: boolean;
}

/**
 * Puts code values at both ends of a network, [1, planes, height, width] of uint8 for 8 bits and of uint16 above: cast,
 * normalise, network, denormalise, round, clip, cast. Factors are folded into the convolutions at the ends where the graph
 * allows, and the rounding comes before a last DepthToSpace, which then moves bytes: what is added costs next to nothing.
 *
 * Changes `model`. Throws `MODEL_INVALID` for operator sets before 7, which have other broadcasting.
 */
export function composeEnds(model: OnnxModel, facts: ModelFacts, ends: PlaneEnds): void {
  const opset = readOpset(model);
  if (opset < 7) {
    throw new UpscaleError(
      'MODEL_INVALID',
      `${facts.id} was written for ONNX operator set ${opset}; 7 is the oldest known.`,
      {
        hint: 'Convert the model with onnx.version_converter.',
      },
    );
  }
  const { graph } = model;
  const known = new Set(graph.initializer.map((tensor) => tensor.name));
  // Weights that are listed as inputs too (IR 3) would count as changeable, and nothing could be folded into them.
  graph.valueInfo = [];
  graph.input = graph.input.filter(({ name }) => !known.has(name));
  model.irVersion = Math.max(7, toInteger(model.irVersion));
  composeInput(graph, facts, ends, opset);
  composeOutput(graph, facts, ends, opset);
}

/** The code value that stands for 1 at the network. */
export function whiteOf(bits: number, fullRange: boolean): number {
  return fullRange ? 2 ** bits - 1 : 255 * 2 ** (bits - 8);
}

function composeInput(graph: OnnxGraph, facts: ModelFacts, ends: PlaneEnds, opset: number): void {
  const type = ends.inputBits > 8 ? ONNX_TYPE.uint16 : ONNX_TYPE.uint8;
  const chain = new Chain(graph, COMPOSED_INPUT, 'in');
  if (ends.inputPlanes > 1) {
    chain.append('Gather', [chain.integers('order', [2, 0, 1, 3].slice(0, ends.inputPlanes))], { axis: 1 });
  }
  const networkType = ONNX_TYPE[elementName(facts)];
  const gain = facts.range / whiteOf(ends.inputBits, ends.fullRange);
  const addsAlpha = facts.channels === 4 && ends.inputPlanes < 4;
  const isDirect = gain === 1 && networkType === type && !addsAlpha;
  if (!isDirect) {
    chain.append('Cast', [], { to: ONNX_TYPE.float });
    const folds = networkType === ONNX_TYPE.float && facts.layout === 'NCHW' && !addsAlpha;
    if (gain !== 1 && !(folds && foldInputGain(graph, facts.inputName, gain))) {
      chain.append('Mul', [chain.floats('gain', [gain])]);
    }
    if (addsAlpha) appendOpaqueAlpha(chain, opset, facts.range);
    if (networkType !== ONNX_TYPE.float) chain.append('Cast', [], { to: networkType });
  }
  if (facts.layout === 'NHWC') chain.append('Transpose', [], { perm: [0, 2, 3, 1] });
  chain.end(facts.inputName);
  graph.node.unshift(...chain.nodes);
  graph.input = [makeValueInfo(COMPOSED_INPUT, type, [1, ends.inputPlanes, 'height', 'width'])];
}

function appendOpaqueAlpha(chain: Chain, opset: number, white: number): void {
  const pads = [0, 0, 0, 0, 0, 1, 0, 0];
  if (opset >= 11) {
    chain.append('Pad', [chain.integers('pads', pads), chain.floats('white', white)]);
  } else {
    chain.append('Pad', [], { pads });
    const value = chain.nodes.at(-1);
    value?.attribute.push({ name: 'value', type: 1, f: white });
  }
}

type OutputFacts = Pick<ModelFacts, 'channels' | 'elementType' | 'layout' | 'outputName' | 'range'>;

/** @param zero - The code value that stands for 0 at the network: the middle for chroma. */
export function composeOutput(
  graph: OnnxGraph,
  facts: OutputFacts,
  ends: Omit<PlaneEnds, 'inputBits' | 'inputPlanes' | 'outputPlanes'> & { readonly outputPlanes: number },
  opset: number,
  zero = 0,
): void {
  const type = ends.outputBits > 8 ? ONNX_TYPE.uint16 : ONNX_TYPE.uint8;
  const gain = whiteOf(ends.outputBits, ends.fullRange) / facts.range;
  const networkType = ONNX_TYPE[elementName(facts)];
  const isDirect = gain === 1 && networkType === type;
  graph.output = [];

  // Rounding and clipping go before a last DepthToSpace: bytes are moved instead of floats.
  let value = facts.outputName;
  let shuffle: OnnxNode | null = null;
  if (facts.layout === 'NCHW' && networkType === ONNX_TYPE.float) {
    const last = findOnlyProducer(graph, value, 0);
    if (last?.opType === 'DepthToSpace' && last.input[0] !== undefined) {
      shuffle = last;
      graph.node.splice(graph.node.indexOf(last), 1);
      value = last.input[0];
    }
  }
  const chain = new Chain(graph, value, 'out');
  if (!isDirect) {
    if (networkType !== ONNX_TYPE.float) chain.append('Cast', [], { to: ONNX_TYPE.float });
    // Casts cut off: half a code value on top rounds.
    const folds = networkType === ONNX_TYPE.float && foldOutputAffine(graph, value, gain, zero + 0.5);
    if (!folds) {
      if (gain !== 1) chain.append('Mul', [chain.floats('gain', [gain])]);
      chain.append('Add', [chain.floats('half', [zero + 0.5])]);
    }
    appendClip(chain, opset, 2 ** ends.outputBits - 0.5);
  }
  const cast = (): void => {
    if (!isDirect) chain.append('Cast', [], { to: type });
  };
  if (shuffle !== null) {
    // onnxruntime shuffles bytes, but not uint16, and not in operator sets before 11.
    const early = ends.shuffleBytes && type === ONNX_TYPE.uint8 && opset >= 11;
    if (early) cast();
    chain.append(shuffle);
    if (!early) cast();
  } else {
    cast();
  }
  if (facts.layout === 'NHWC') chain.append('Transpose', [], { perm: [0, 3, 1, 2] });
  if (facts.channels > 1) {
    chain.append('Gather', [chain.integers('order', [1, 2, 0, 3].slice(0, ends.outputPlanes))], { axis: 1 });
  }
  chain.end(COMPOSED_OUTPUT);
  graph.node.push(...chain.nodes);
  graph.output = [makeValueInfo(COMPOSED_OUTPUT, type, [1, ends.outputPlanes, 'outHeight', 'outWidth'])];
}

function appendClip(chain: Chain, opset: number, ceiling: number): void {
  if (opset >= 11) {
    chain.append('Clip', [chain.floats('floor', 0), chain.floats('ceiling', ceiling)]);
    return;
  }
  chain.append('Clip', []);
  const clip = chain.nodes.at(-1);
  clip?.attribute.push({ name: 'min', type: 1, f: 0 }, { name: 'max', type: 1, f: ceiling });
}

function elementName(facts: Pick<ModelFacts, 'elementType'>): 'float' | 'float16' | 'uint8' | 'uint16' {
  return facts.elementType === 'float32' ? 'float' : facts.elementType;
}

/** A row of nodes, each reading what the one before it wrote. */
export class Chain {
  readonly nodes: OnnxNode[] = [];
  readonly #graph: OnnxGraph;
  readonly #prefix: string;
  #value: string;

  constructor(graph: OnnxGraph, value: string, prefix: string) {
    this.#graph = graph;
    this.#value = value;
    this.#prefix = `upreel/${prefix}`;
  }

  append(
    operation: string | OnnxNode,
    inputs: string[] = [],
    attributes: Readonly<Record<string, number | readonly number[]>> = {},
  ): void {
    const output = `${this.#prefix}/${this.nodes.length}`;
    if (typeof operation === 'string') {
      this.nodes.push(makeNode(operation, [this.#value, ...inputs], [output], attributes));
    } else {
      operation.input[0] = this.#value;
      operation.output[0] = output;
      this.nodes.push(operation);
    }
    this.#value = output;
  }

  /** Lets the last node write `name`. */
  end(name: string): void {
    const last = this.nodes.at(-1);
    if (last === undefined) this.nodes.push(makeNode('Identity', [this.#value], [name]));
    else last.output[0] = name;
  }

  /** A constant; a number alone is a scalar. */
  floats(name: string, values: number | readonly number[]): string {
    const list = typeof values === 'number' ? [values] : values;
    const full = `${this.#prefix}/${name}`;
    this.#graph.initializer.push(makeFloats(full, typeof values === 'number' ? [] : [list.length], list));
    return full;
  }

  integers(name: string, values: readonly number[]): string {
    const full = `${this.#prefix}/${name}`;
    this.#graph.initializer.push(makeIntegers(full, [values.length], values));
    return full;
  }
}
