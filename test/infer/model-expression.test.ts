import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UpscaleError } from '../../src/core/errors.ts';
import { parseModelExpression } from '../../src/infer/model-expression.ts';

describe('parseModelExpression', () => {
  it.each([
    ['a', [[{ name: 'a', weight: 1 }]]],
    ['a+b', [[{ name: 'a', weight: 1 }], [{ name: 'b', weight: 1 }]]],
    [
      'a:3,b:1',
      [
        [
          { name: 'a', weight: 0.75 },
          { name: 'b', weight: 0.25 },
        ],
      ],
    ],
    [
      ' a , ./b.onnx + C:\\nets\\c.onnx',
      [
        [
          { name: 'a', weight: 0.5 },
          { name: './b.onnx', weight: 0.5 },
        ],
        [{ name: 'C:\\nets\\c.onnx', weight: 1 }],
      ],
    ],
  ])('reads %s', (text, blends) => {
    expect(parseModelExpression(text)).toEqual(blends);
  });

  it.each([
    'a+',
    '+',
    'a,,b',
    ':1,b:2',
    'a:0.7,b',
    'a:0,b:1',
    'a:-1,b:2',
    'a:x,b:1',
    'a:,b:1',
    'a:Infinity,b:1',
    'a:0.7',
  ])('refuses %s', (text) => {
    expect(() => parseModelExpression(text)).toThrow(expect.objectContaining({ code: 'USAGE' }) as Error);
  });

  it('gives positive shares that sum to 1, or refuses, whatever is written', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('a', ':', ',', '+', '.', '1', '0', 'e', '-', ' ') }),
        (text) => {
          try {
            for (const blend of parseModelExpression(text)) {
              expect(blend.reduce((sum, { weight }) => sum + weight, 0)).toBeCloseTo(1, 10);
              expect(blend.every(({ name, weight }) => name !== '' && weight >= 0)).toBe(true);
            }
          } catch (error) {
            if (!(error instanceof UpscaleError)) throw error;
            expect(error.code).toBe('USAGE');
          }
        },
      ),
    );
  });
});
