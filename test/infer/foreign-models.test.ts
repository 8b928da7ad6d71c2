import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { makeNode, makeValueInfo, ONNX_TYPE, type OnnxModel } from '../../src/infer/graph/onnx-model.ts';
import { makeFloats, makeIntegers } from '../../src/infer/graph/tensor-values.ts';
import { inspectModel } from '../../src/infer/inspect-model.ts';
import { makeNetwork, placeModel } from './graph-fixture.ts';
import { upscaleOnce } from './upscaler-fixture.ts';

const noise = (plane: number, x: number, y: number): number => (x * 7919 + y * 104729 + plane * 31) % 256;

const FORMS = [1, 3, 4].flatMap((channels) =>
  (['NCHW', 'NHWC'] as const).flatMap((layout) =>
    [false, true].flatMap((isHalf) =>
      [false, true].map((isFixed) => ({ channels, layout, isHalf, isFixed })),
    ),
  ),
);

/** Attention within windows of 8x8 samples, as window transformers have it, added to the picture; each sample then becomes four. */
function makeWindowTransformer(): OnnxModel {
  const nodes = [
    makeNode('SpaceToDepth', ['x'], ['windows'], { blocksize: 8 }),
    makeNode('Transpose', ['windows'], ['rows'], { perm: [0, 2, 3, 1] }),
    makeNode('Shape', ['rows'], ['shape']),
    makeNode('Reshape', ['rows', 'tokens'], ['keys']),
    makeNode('Transpose', ['keys'], ['turned'], { perm: [0, 2, 1] }),
    makeNode('MatMul', ['keys', 'turned'], ['scores']),
    makeNode('Softmax', ['scores'], ['shares'], { axis: -1 }),
    makeNode('MatMul', ['shares', 'keys'], ['mixed']),
    makeNode('Reshape', ['mixed', 'shape'], ['back']),
    makeNode('Transpose', ['back'], ['deep'], { perm: [0, 3, 1, 2] }),
    makeNode('DepthToSpace', ['deep'], ['smooth'], { blocksize: 8 }),
    makeNode('Add', ['x', 'smooth'], ['sum']),
    makeNode('Conv', ['sum', 'half'], ['four'], { kernel_shape: [1, 1] }),
    makeNode('DepthToSpace', ['four'], ['y'], { blocksize: 2 }),
  ];
  return {
    irVersion: 8,
    opsetImport: [{ domain: '', version: 17 }],
    graph: {
      name: 'window-transformer',
      node: nodes,
      initializer: [
        makeIntegers('tokens', [3], [-1, 64, 1]),
        makeFloats('half', [4, 1, 1, 1], [0.5, 0.5, 0.5, 0.5]),
      ],
      input: [makeValueInfo('x', ONNX_TYPE.float, [1, 1, 'h', 'w'])],
      output: [makeValueInfo('y', ONNX_TYPE.float, [1, 1, 'H', 'W'])],
      valueInfo: [],
    },
  };
}

describe('any super-resolution graph', () => {
  it.each(FORMS)('runs: $channels channels, $layout, halves $isHalf, fixed size $isFixed', async (form) => {
    const { channels, layout, isHalf, isFixed } = form;
    const declared = isFixed ? { declared: [channels, 16, 24] } : {};
    const model = await inspectModel(
      await placeModel(makeNetwork({ channels, layout, isHalf, ...declared })),
    );
    expect(model).toMatchObject({
      ...{ channels, layout, scale: 2, range: 1, multiple: 1 },
      elementType: isHalf ? 'float16' : 'float32',
      ...(isFixed ? { fixedHeight: 16, fixedWidth: 24 } : { fixedHeight: null, fixedWidth: null }),
    });
    // Smaller, and larger, than what a graph fixes.
    for (const [width, height] of [
      [9, 7],
      [37, 25],
    ] as const) {
      const format = channels === 4 ? 'gbrap' : channels === 3 ? 'gbrp' : 'gray';
      const planes = await upscaleOnce({ model, format, width, height, range: 'pc' }, noise);
      planes.forEach((plane, p) => {
        const wrong = plane.filter(
          (value, at) => value !== noise(p, (at % (2 * width)) >> 1, Math.floor(at / (2 * width)) >> 1),
        );
        expect(wrong, `plane ${p} of ${width}x${height}`).toHaveLength(0);
      });
    }
  });

  it('takes windows of a transformer whole, in frames of any size and in tiles', async () => {
    const model = await inspectModel(await placeModel(makeWindowTransformer()));
    expect(model).toMatchObject({ multiple: 8, scale: 2, range: 1 });
    const wishes = { model, format: 'gray', width: 75, height: 53 };
    const whole = await upscaleOnce(wishes, noise);
    expect(new Set(whole[0]).size).toBeGreaterThan(16);
    expect(await upscaleOnce({ ...wishes, tile: { width: 32, height: 24 } }, noise)).toEqual(whole);
  });

  it('takes one step of a diffusion from picture to picture, but none that draws its own noise', async () => {
    const step = makeNetwork({ channels: 3, kernel: 3 });
    const [relu] = step.graph.node.filter(({ opType }) => opType === 'Relu');
    // Noise that is part of the file, scaled by the step's embedding.
    step.graph.initializer.push(
      makeFloats('noise', [1, 3, 1, 1], [0.01, -0.01, 0.005]),
      makeFloats('step', [1], [0.5]),
    );
    step.graph.node.splice(
      1,
      0,
      makeNode('Mul', ['noise', 'step'], ['n']),
      makeNode('Add', ['v0', 'n'], ['noisy']),
    );
    if (relu !== undefined) relu.input = ['noisy'];
    expect(await inspectModel(await placeModel(step))).toMatchObject({ channels: 3, scale: 2 });
    const [first] = step.graph.node.filter(({ opType }) => opType === 'Mul');
    const random = makeNode('RandomNormalLike', ['v0'], ['drawn']);
    step.graph.node.splice(1, 0, random);
    if (first !== undefined) first.input = ['drawn', 'step'];
    await expect(inspectModel(await placeModel(step))).rejects.toMatchObject({
      code: 'MODEL_INVALID',
      message: expect.stringContaining('RandomNormalLike') as string,
    });
  });
});

const COMMUNITY = fileURLToPath(new URL('../../../shared/models/community/', import.meta.url));
const find = (name: string): string => `${COMMUNITY}${name}/${name}.onnx`;
const upscaler = find('2x_AnimeJaNai_HD_V3.1_Performance_SPANF3_b5f48_unshuffle_fp16');
const filter = find('temporalfix_s2_v1_op18_fp16');
const areThere = existsSync(upscaler) && existsSync(filter);
if (!areThere) console.warn(`Tests with published ONNX files are skipped: they are not in ${COMMUNITY}.`);

describe.skipIf(!areThere)('published ONNX files', () => {
  it('run where they are upscalers', async () => {
    const model = await inspectModel(upscaler);
    expect(model).toMatchObject({ channels: 3, scale: 2, elementType: 'float16', layout: 'NCHW', range: 1 });
    const wishes = { model, format: 'gbrp', width: 48, height: 32, range: 'pc' } as const;
    const soft = (plane: number, x: number, y: number): number => 60 + plane * 40 + 2 * x + y;
    const planes = await upscaleOnce(wishes, soft);
    planes.forEach((plane, p) => {
      // Away from the borders it is still the same picture.
      const differences = Array.from(plane, (value, at) => {
        const [x, y] = [at % 96, Math.floor(at / 96)];
        const isInside = x > 8 && y > 8 && x < 88 && y < 56;
        return isInside ? Math.abs(value - soft(p, x / 2 - 0.25, y / 2 - 0.25)) : 0;
      });
      const mean = differences.reduce((sum, difference) => sum + difference, 0) / (79 * 47);
      expect(mean, `plane ${p}`).toBeLessThan(2);
    });
  });

  it('are refused with the reason where they take several frames', async () => {
    await expect(inspectModel(filter)).rejects.toMatchObject({
      code: 'MODEL_INVALID',
      message: expect.stringContaining('7 frames at a time') as string,
    });
  });
});
