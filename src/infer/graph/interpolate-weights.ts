import {
  ONNX_TYPE,
  readOpset,
  toInteger,
  type OnnxAttribute,
  type OnnxModel,
  type OnnxNode,
  type OnnxTensor,
} from './onnx-model.ts';
import { makeFloats, makeHalves, readFloats, readHalves } from './tensor-values.ts';

export interface WeightedModel {
  readonly model: OnnxModel;
  readonly weight: number;
}

/**
 * The network between networks of one structure: every weight is the mean of theirs (network interpolation as in ESRGAN, Wang et al.
 * 2018, section 3.4). Nodes are compared in their order, so that exports of one network with other names are alike too.
 *
 * @returns The network, or where the first two that differ do so, as the end of a sentence.
 */
export function interpolateWeights(parts: readonly WeightedModel[]): OnnxModel | { difference: string } {
  const [first, ...others] = parts;
  if (first === undefined) throw new RangeError('Nothing to average.');
  const matches: Match[] = [];
  for (const { model } of others) {
    const match = new Match(first.model, model);
    if (match.difference !== null) return { difference: match.difference };
    matches.push(match);
  }
  const mix = (tensor: OnnxTensor, twins: readonly OnnxTensor[]): OnnxTensor => {
    const values = [tensor, ...twins].map(readNumbers);
    const [own] = values;
    if (own == null) return tensor;
    const mean = own.map((_, i) =>
      parts.reduce((sum, { weight }, part) => sum + weight * (values[part]?.[i] ?? 0), 0),
    );
    const make = tensor.dataType === ONNX_TYPE.float ? makeFloats : makeHalves;
    return make(tensor.name, tensor.dims.map(toInteger), mean);
  };
  const { graph } = first.model;
  return {
    ...first.model,
    graph: {
      ...graph,
      valueInfo: [],
      initializer: graph.initializer.map((tensor) =>
        mix(
          tensor,
          matches.flatMap((match) => match.tensorOf(tensor.name) ?? []),
        ),
      ),
      node: graph.node.map((node, at) => ({
        ...node,
        attribute: node.attribute.map((attribute) => {
          const twins = matches.flatMap((match) => match.attributeOf(at, attribute.name)?.t ?? []);
          return attribute.t == null ? attribute : { ...attribute, t: mix(attribute.t, twins) };
        }),
      })),
    },
  };
}

/** Which value and weight of one graph is which of another. */
class Match {
  /** The end of a sentence that says where the graphs differ; null where they do not. */
  readonly difference: string | null;
  readonly #other: OnnxModel;
  readonly #names = new Map<string, string>();
  readonly #taken = new Map<string, string>();

  constructor(model: OnnxModel, other: OnnxModel) {
    this.#other = other;
    this.difference = this.#compare(model, other);
  }

  tensorOf(name: string): OnnxTensor | undefined {
    const twin = this.#names.get(name);
    return this.#other.graph.initializer.find((tensor) => tensor.name === twin);
  }

  attributeOf(node: number, name: string): OnnxAttribute | undefined {
    return this.#other.graph.node[node]?.attribute.find((attribute) => attribute.name === name);
  }

  #compare({ graph, ...model }: OnnxModel, other: OnnxModel): string | null {
    const opsets = [readOpset({ ...model, graph }), readOpset(other)];
    if (opsets[0] !== opsets[1]) return `one is of operator set ${opsets.join(', the other of ')}`;
    const counts = [graph.node.length, other.graph.node.length];
    if (counts[0] !== counts[1]) return `one has ${counts.join(' operators, the other ')}`;
    for (const [i, node] of graph.node.entries()) {
      const twin = other.graph.node[i];
      if (twin === undefined || node.opType !== twin.opType || node.domain !== twin.domain) {
        return `operator ${i + 1} is ${node.opType} in one and ${twin?.opType ?? 'nothing'} in the other`;
      }
      if (!this.#pair(node.input, twin.input) || !this.#pair(node.output, twin.output)) {
        return `operator ${i + 1} (${node.opType}) takes other values`;
      }
      const attribute = this.#compareAttributes(node, twin);
      if (attribute !== null) return `operator ${i + 1} (${node.opType}) has another ${attribute}`;
    }
    for (const tensor of graph.initializer) {
      const twin = this.tensorOf(tensor.name);
      const difference = this.#names.has(tensor.name) ? compareTensors(tensor, twin) : null;
      if (difference !== null) return `the weight ${tensor.name} ${difference}`;
    }
    return null;
  }

  #pair(names: readonly string[], others: readonly string[]): boolean {
    return (
      names.length === others.length &&
      names.every((name, i) => {
        const other = others[i] ?? '';
        const known = this.#names.get(name) ?? other;
        const back = this.#taken.get(other) ?? name;
        this.#names.set(name, known);
        this.#taken.set(other, back);
        return known === other && back === name;
      })
    );
  }

  /** The name of the first attribute that differs. */
  #compareAttributes(node: OnnxNode, twin: OnnxNode): string | null {
    const names = new Set([...node.attribute, ...twin.attribute].map(({ name }) => name));
    for (const name of names) {
      const own = node.attribute.find((attribute) => attribute.name === name);
      const other = twin.attribute.find((attribute) => attribute.name === name);
      if (own === undefined || other === undefined) return name;
      const isSame =
        own.t == null
          ? JSON.stringify(own) === JSON.stringify(other)
          : compareTensors(own.t, other.t ?? undefined) === null;
      if (!isSame) return name;
    }
    return null;
  }
}

/** Says how `tensor` and `twin` cannot be mixed: weights by type and shape, whole numbers by what they are. */
function compareTensors(tensor: OnnxTensor, twin: OnnxTensor | undefined): string | null {
  if (twin === undefined) return 'is a weight in one alone';
  const shapes = [tensor, twin].map(({ dims }) => dims.map(toInteger).join('x') || 'a number');
  if (shapes[0] !== shapes[1]) return `is ${shapes.join(' in one and ')} in the other`;
  if (tensor.dataType !== twin.dataType) return 'is of another type';
  const values = [readNumbers(tensor), readNumbers(twin)];
  if (values.every((list) => list !== null)) return null;
  const bytes = [tensor, twin].map(({ rawData, int64Data, int32Data, floatData }) =>
    JSON.stringify([Buffer.from(rawData ?? []).toString('base64'), int64Data, int32Data, floatData]),
  );
  return bytes[0] === bytes[1] ? null : 'differs and is no weight';
}

function readNumbers(tensor: OnnxTensor): Float32Array | null {
  return readFloats(tensor) ?? readHalves(tensor);
}
