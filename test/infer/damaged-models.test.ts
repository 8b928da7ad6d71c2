import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makeIntegers, makeFloats } from '../../src/infer/graph/tensor-values.ts';
import { makeNode, makeValueInfo } from '../../src/infer/graph/onnx-model.ts';
import { change, good, inspectBytes } from './good-model-fixture.ts';

/** Graphs inside of graphs, written by hand because no writer makes so many. */
function nest(levels: number): Uint8Array {
  let graph = new Uint8Array(0);
  const wrap = (field: number, content: Uint8Array): Uint8Array<ArrayBuffer> => {
    const length: number[] = [];
    for (let rest = content.length; ; rest = Math.floor(rest / 128)) {
      length.push(rest < 128 ? rest : (rest % 128) | 128);
      if (rest < 128) break;
    }
    return Uint8Array.from([(field << 3) | 2, ...length, ...content]);
  };
  // GraphProto.node, NodeProto.attribute, AttributeProto.g
  for (let i = 0; i < levels; i++) graph = wrap(1, wrap(5, wrap(6, graph)));
  return wrap(7, graph);
}

describe('damaged models', () => {
  it('either work or are refused, whatever bytes are wrong', async () => {
    const flips = fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(flips, fc.integer({ min: 1, max: good.length }), async (changes, length) => {
        const bytes = good.slice();
        for (const [at, value] of changes) bytes[at] = value;
        for (const part of [bytes, good.slice(0, length - 1)]) {
          const result = await inspectBytes(part);
          if (result !== 'fine') expect(result.code).toBe('MODEL_INVALID');
        }
      }),
      { numRuns: 150 },
    );
  });

  it.each([
    ['nested beyond reason', nest(2000), /no ONNX model/],
    [
      'weights of an impossible size',
      change(({ graph }) => {
        graph.initializer = [
          { ...makeFloats('w', [4, 1, 3, 3], new Float32Array(36)), dims: [4, 1, 1e6, 1e6] },
        ];
      }),
      /no ONNX model/,
    ],
    [
      'an input that would take all memory',
      change(({ graph }) => {
        graph.input = [makeValueInfo('x', 1, [1, 1, 60000, 60000])];
      }),
      /60000x60000/,
    ],
    [
      'a constant that would take all memory',
      change(({ graph }) => {
        graph.node.unshift(
          makeNode('ConstantOfShape', ['shape'], ['zeros']),
          makeNode('ReduceSum', ['zeros'], ['sum'], { keepdims: 0 }),
          makeNode('Add', ['x', 'sum'], ['shifted']),
        );
        const convolution = graph.node.find(({ opType }) => opType === 'Conv');
        if (convolution !== undefined) convolution.input[0] = 'shifted';
        graph.initializer.push(makeIntegers('shape', [1], [2 ** 50]));
      }),
      /no upscaler/,
    ],
    [
      'weights that are no numbers',
      change(({ graph }) => {
        graph.initializer = [makeFloats('w', [4, 1, 3, 3], new Float32Array(36).fill(NaN))];
      }),
      /no numbers/,
    ],
  ])('are refused, with the reason: %s', async (_, bytes, reason) => {
    const result = await inspectBytes(bytes);
    expect(result).toMatchObject({ code: 'MODEL_INVALID' });
    expect(result === 'fine' ? '' : result.message).toMatch(reason);
  });

  it('may name their values as JavaScript names its own', async () => {
    const names = change(({ graph }) => {
      const [first, last] = graph.node;
      if (first === undefined || last === undefined) return;
      graph.input = [makeValueInfo('__proto__', 1, [1, 1, 'height', 'width'])];
      graph.output = [makeValueInfo('toString', 1, [1, 1, 'outHeight', 'outWidth'])];
      first.input[0] = '__proto__';
      first.output = ['constructor'];
      last.input = ['constructor'];
      last.output = ['toString'];
    });
    expect(await inspectBytes(names)).toBe('fine');
  });
});
