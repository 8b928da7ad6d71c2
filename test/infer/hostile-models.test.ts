import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { inspectModel } from '../../src/infer/inspect-model.ts';
import {
  makeNode,
  makeValueInfo,
  type OnnxAttribute,
  type OnnxGraph,
  type OnnxModel,
  type OnnxNode,
  type OnnxTensor,
} from '../../src/infer/graph/onnx-model.ts';
import { makeIntegers } from '../../src/infer/graph/tensor-values.ts';
import { change, inspectBytes } from './good-model-fixture.ts';
import { placeModel } from './graph-fixture.ts';

/** What refusing a file may add to the peak of the process. onnxruntime itself takes some. */
const MOST_GROWTH_KIB = 256 * 1024;
const PASSWORDS = '../../../../../../../../etc/passwd';

/** Puts `nodes`, the last of which makes `value`, between the input and the network. */
function precede({ graph }: OnnxModel, nodes: readonly OnnxNode[], value: string): void {
  const [first] = graph.node;
  if (first !== undefined) first.input[0] = value;
  graph.node.unshift(...nodes);
}

function withAttribute(node: OnnxNode, attribute: OnnxAttribute): OnnxNode {
  return { ...node, attribute: [...node.attribute, attribute] };
}

/** A weight that says it lies in another file. */
function makeExternal(location: string, dims: number[], more: Record<string, string> = {}): OnnxTensor {
  const entries = Object.entries({ location, ...more });
  return {
    name: 'w',
    dims,
    dataType: 1,
    dataLocation: 1,
    externalData: entries.map(([key, value]) => ({ key, value })),
  };
}

function makeConstant(tensor: OnnxTensor, output: string): OnnxNode {
  return withAttribute(makeNode('Constant', [], [output]), { name: 'value', type: 4, t: tensor });
}

const PICTURE = ['n', 'c', 'h', 'w'];

/** A loop that passes a picture on `trips` times. */
function makeLoop(trips: number): { node: OnnxNode; weights: OnnxTensor[] } {
  const body: OnnxGraph = {
    name: 'body',
    node: [makeNode('Identity', ['go'], ['goOn']), makeNode('Identity', ['v'], ['v2'])],
    initializer: [],
    input: [makeValueInfo('i', 7, []), makeValueInfo('go', 9, []), makeValueInfo('v', 1, PICTURE)],
    output: [makeValueInfo('goOn', 9, []), makeValueInfo('v2', 1, PICTURE)],
    valueInfo: [],
  };
  return {
    node: withAttribute(makeNode('Loop', ['trips', 'yes', 'x'], ['looped']), {
      name: 'body',
      type: 5,
      g: body,
    }),
    weights: [
      makeIntegers('trips', [], [trips]),
      { name: 'yes', dims: [], dataType: 9, rawData: Uint8Array.of(1) },
    ],
  };
}

/** An `If` of which both ways hold the same nodes. */
function makeIf(nodes: readonly OnnxNode[], result: string, output: string): OnnxNode {
  const branch = (): OnnxGraph => ({
    name: 'branch',
    node: [...nodes],
    initializer: [],
    input: [],
    output: [makeValueInfo(result, 1, PICTURE)],
    valueInfo: [],
  });
  return {
    ...makeNode('If', ['yes'], [output]),
    attribute: ['then_branch', 'else_branch'].map((name) => ({ name, type: 5, g: branch() })),
  };
}

/** Functions of which each calls the one before it twice: `levels` of them make 2 ** levels nodes. */
function makeFunctions(levels: number): NonNullable<OnnxModel['functions']> {
  const call = (level: number, from: string, to: string): OnnxNode =>
    level === 0
      ? makeNode('Identity', [from], [to])
      : { ...makeNode(`F${level}`, [from], [to]), domain: 'own' };
  return Array.from({ length: levels }, (_, i) => ({
    name: `F${i + 1}`,
    domain: 'own',
    input: ['a'],
    output: ['c'],
    node: [call(i, 'a', 'b'), call(i, 'b', 'c')],
    opsetImport: [
      { domain: '', version: 17 },
      { domain: 'own', version: 1 },
    ],
  }));
}

function callFunctions(model: OnnxModel, functions: OnnxModel['functions'], name: string): void {
  model.functions = functions ?? [];
  model.opsetImport.push({ domain: 'own', version: 1 });
  precede(model, [{ ...makeNode(name, ['x'], ['called']), domain: 'own' }], 'called');
}

describe('hostile models', () => {
  it.each<[string, (model: OnnxModel) => void, RegExp]>([
    [
      'weights larger than any file',
      ({ graph }) => (graph.initializer = [{ name: 'w', dims: [4, 1, 3, 2 ** 28], dataType: 1 }]),
      /12884901888 bytes/,
    ],
    [
      'weights whose number overflows',
      ({ graph }) =>
        (graph.initializer = [{ name: 'w', dims: [2 ** 31, 2 ** 31, 2 ** 31, 2 ** 31], dataType: 1 }]),
      /makes no sense/,
    ],
    [
      'weights of a negative size',
      ({ graph }) => (graph.initializer = [{ name: 'w', dims: [-4, 1, 3, 3], dataType: 1 }]),
      /makes no sense/,
    ],
    [
      'weights that do not fit their convolution',
      ({ graph }) => {
        const [weight] = graph.initializer;
        if (weight !== undefined) weight.dims = [9, 1, 2, 2];
      },
      /no upscaler/,
    ],
    [
      'weights in a file of the system',
      ({ graph }) => (graph.initializer = [makeExternal(PASSWORDS, [4, 1, 3, 3])]),
      /outside of its folder/,
    ],
    [
      'weights at an absolute path',
      ({ graph }) => (graph.initializer = [makeExternal('/etc/passwd', [4, 1, 3, 3])]),
      /outside of its folder/,
    ],
    [
      'weights of a function in a file of the system',
      (model) => {
        const node = [makeConstant(makeExternal(PASSWORDS, [1]), 'k'), makeNode('Add', ['a', 'k'], ['b'])];
        callFunctions(model, [{ ...makeFunctions(1)[0], name: 'Own', domain: 'own', node }], 'Own');
      },
      /outside of its folder/,
    ],
    [
      'sparse weights in a file of the system',
      ({ graph }) => {
        graph.initializer = [];
        graph.sparseInitializer = [
          { values: makeExternal(PASSWORDS, [1]), indices: makeIntegers('', [1], [0]) },
        ];
      },
      /outside of its folder/,
    ],
    [
      'weights within a branch in a file of the system',
      (model) => {
        model.graph.initializer.push({ name: 'yes', dims: [], dataType: 9, rawData: Uint8Array.of(1) });
        const inner = [makeConstant(makeExternal(PASSWORDS, [1]), 'k'), makeNode('Add', ['x', 'k'], ['b'])];
        precede(model, [makeIf(inner, 'b', 'chosen')], 'chosen');
      },
      /outside of its folder/,
    ],
    [
      'nodes in a circle',
      (model) =>
        precede(model, [makeNode('Add', ['x', 'b'], ['a']), makeNode('Identity', ['a'], ['b'])], 'b'),
      /acyclic/,
    ],
    [
      'a loop without end',
      (model) => {
        const { node, weights } = makeLoop(2 ** 52);
        model.graph.initializer.push(...weights);
        precede(model, [node], 'looped');
      },
      /Loop/,
    ],
    [
      'a loop without end within a branch',
      (model) => {
        const { node, weights } = makeLoop(2 ** 52);
        model.graph.initializer.push(...weights);
        precede(model, [makeIf([node], 'looped', 'chosen')], 'chosen');
      },
      /Loop/,
    ],
    [
      'functions that double thirty times over',
      (model) => callFunctions(model, makeFunctions(30), 'F30'),
      /without end/,
    ],
    [
      'a function that calls itself',
      (model) => {
        const node = [{ ...makeNode('Self', ['a'], ['c']), domain: 'own' }];
        callFunctions(model, [{ ...makeFunctions(1)[0], name: 'Self', domain: 'own', node }], 'Self');
      },
      /without end/,
    ],
    [
      'two gigabytes of zeros',
      (model) => {
        model.graph.initializer.push(makeIntegers('shape', [1], [2 ** 29]));
        const nodes = [
          makeNode('ConstantOfShape', ['shape'], ['zeros']),
          makeNode('ReduceSum', ['zeros'], ['sum'], { keepdims: 0 }),
          makeNode('Add', ['x', 'sum'], ['shifted']),
        ];
        precede(model, nodes, 'shifted');
      },
      /GiB of memory/,
    ],
    [
      'a picture that is repeated beyond reason',
      (model) => {
        model.graph.initializer.push(makeIntegers('times', [4], [1, 1, 300, 300]));
        const nodes = [
          makeNode('Tile', ['x', 'times'], ['tiled']),
          makeNode('ReduceMean', ['tiled'], ['mean'], { keepdims: 1 }),
          makeNode('Add', ['x', 'mean'], ['shifted']),
        ];
        precede(model, nodes, 'shifted');
      },
      /GiB of memory/,
    ],
  ])('are refused, with the reason and without taking memory: %s', async (_, edit, reason) => {
    const bytes = change(edit);
    const before = process.resourceUsage().maxRSS;
    const result = await inspectBytes(bytes);
    expect(process.resourceUsage().maxRSS - before).toBeLessThan(MOST_GROWTH_KIB);
    expect(result).toMatchObject({ code: 'MODEL_INVALID' });
    expect(result === 'fine' ? '' : result.message).toMatch(reason);
  });

  it('may not claim more of a file beside them than is there', async () => {
    const file = await placeModel(
      change(({ graph }) => (graph.initializer = [makeExternal('few.bin', [4, 1, 3, 3])])),
    );
    const beside = path.join(path.dirname(file), 'few.bin');
    await writeFile(beside, new Uint8Array(4 * 36 - 1));
    await expect(inspectModel(file)).rejects.toThrow(/cut short/);
    await writeFile(beside, new Uint8Array(4 * 36));
    await expect(inspectModel(file)).resolves.toMatchObject({ scale: 2 });
    await rm(beside);
  });

  it('are told from graphs that choose and call in earnest', async () => {
    const honest = change((model) => {
      model.graph.initializer.push({ name: 'yes', dims: [], dataType: 9, rawData: Uint8Array.of(1) });
      callFunctions(model, makeFunctions(3), 'F3');
      const [call] = model.graph.node;
      if (call !== undefined) call.input = ['chosen'];
      model.graph.node.unshift(makeIf([makeNode('Identity', ['x'], ['b'])], 'b', 'chosen'));
    });
    expect(await inspectBytes(honest)).toBe('fine');
  });
});
