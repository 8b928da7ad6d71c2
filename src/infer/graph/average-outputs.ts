import type { ModelFacts } from '../infer-plan.ts';
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
import { findOperatorChange } from './operator-changes.ts';
import { makeFloats } from './tensor-values.ts';

export interface AveragedPart {
  readonly model: OnnxModel;
  readonly facts: ModelFacts;
  readonly weight: number;
}

const INPUT = 'x';
const OUTPUT = 'y';

/**
 * One network that holds all `parts` and gives the weighted mean of what they give. Its ends are float32, NCHW, 0..1, whatever those of
 * the parts are.
 *
 * @returns The network, or why there can be none, as the end of a sentence.
 */
export function averageOutputs(parts: readonly AveragedPart[]): OnnxModel | { obstacle: string } {
  const obstacle = findObstacle(parts);
  if (obstacle !== null) return { obstacle };
  const graph: OnnxGraph = {
    name: 'average',
    node: [],
    initializer: [],
    input: [],
    output: [],
    valueInfo: [],
  };
  const results = parts.map((part, i) => appendPart(graph, part, `part${i}/`));
  results.reduce((sum, result, i) => {
    const output = i === results.length - 1 ? OUTPUT : `sum${i}`;
    graph.node.push(makeNode('Add', [sum, result], [output]));
    return output;
  });
  const channels = parts[0]?.facts.channels ?? 1;
  const find = (key: 'fixedHeight' | 'fixedWidth'): number | null =>
    parts.find(({ facts }) => facts[key] !== null)?.facts[key] ?? null;
  graph.input = [
    makeValueInfo(INPUT, ONNX_TYPE.float, [
      ...[1, channels],
      ...[find('fixedHeight') ?? 'height', find('fixedWidth') ?? 'width'],
    ]),
  ];
  graph.output = [makeValueInfo(OUTPUT, ONNX_TYPE.float, [1, channels, 'outHeight', 'outWidth'])];
  const domains = new Map<string, number>();
  for (const { domain = '', version } of parts.flatMap(({ model }) => model.opsetImport)) {
    const name = domain === 'ai.onnx' ? '' : domain;
    domains.set(name, Math.max(domains.get(name) ?? 0, toInteger(version)));
  }
  return {
    irVersion: Math.max(7, ...parts.map(({ model }) => toInteger(model.irVersion))),
    opsetImport: [...domains].map(([domain, version]) => ({ domain, version })),
    graph,
  };
}

function findObstacle(parts: readonly AveragedPart[]): string | null {
  for (const key of ['scale', 'channels', 'fixedWidth', 'fixedHeight'] as const) {
    const values = new Set(parts.map(({ facts }) => facts[key]).filter((value) => value !== null));
    const noun = { scale: 'scales', channels: 'channels', fixedWidth: 'widths', fixedHeight: 'heights' }[key];
    if (values.size > 1) return `their ${noun} are ${[...values].join(' and ')}`;
  }
  const newest = Math.max(...parts.map(({ model }) => readOpset(model)));
  for (const { model, facts } of parts) {
    if (!facts.elementType.startsWith('float'))
      return `${facts.id} takes ${facts.elementType} instead of floats`;
    if (model.graph.node.some(({ attribute }) => attribute.some(({ g }) => g != null))) {
      return `${facts.id} holds graphs inside of its graph`;
    }
    if ((model.functions ?? []).length > 0) return `${facts.id} brings operators of its own`;
    const changed = findOperatorChange(model.graph.node, readOpset(model), newest);
    if (changed !== null) {
      return `${changed} of ${facts.id} (operator set ${readOpset(model)}) may mean something else in operator set ${newest}`;
    }
  }
  return null;
}

/** Adds a part under names of its own; returns the name of its weighted result. */
function appendPart(graph: OnnxGraph, { model, facts, weight }: AveragedPart, prefix: string): string {
  const rename = (name: string): string => (name === '' ? '' : prefix + name);
  const type = facts.elementType === 'float16' ? ONNX_TYPE.float16 : ONNX_TYPE.float;
  let value = INPUT;
  const append = (
    opType: string,
    inputs: string[],
    attributes: Parameters<typeof makeNode>[3],
    to: string,
  ) => {
    graph.node.push(makeNode(opType, [value, ...inputs], [to], attributes));
    value = to;
  };
  const constant = (name: string, number: number): string => {
    graph.initializer.push(makeFloats(prefix + name, [], [number]));
    return prefix + name;
  };
  if (facts.range !== 1) append('Mul', [constant('upreel/range', facts.range)], {}, `${prefix}upreel/ranged`);
  if (facts.layout === 'NHWC') append('Transpose', [], { perm: [0, 2, 3, 1] }, `${prefix}upreel/turned`);
  append('Cast', [], { to: type }, rename(facts.inputName));
  graph.initializer.push(
    ...model.graph.initializer.map((tensor) => ({ ...tensor, name: rename(tensor.name) })),
  );
  graph.node.push(
    ...model.graph.node.map((node): OnnxNode => ({
      ...node,
      name: rename(node.name ?? ''),
      input: node.input.map(rename),
      output: node.output.map(rename),
    })),
  );
  value = rename(facts.outputName);
  append('Cast', [], { to: ONNX_TYPE.float }, `${prefix}upreel/float`);
  if (facts.layout === 'NHWC') append('Transpose', [], { perm: [0, 3, 1, 2] }, `${prefix}upreel/back`);
  append('Mul', [constant('upreel/weight', weight / facts.range)], {}, `${prefix}upreel/weighted`);
  return value;
}
