import { describe, expect, it } from 'vitest';
import { pixelFormat } from '../../src/core/pixel-format.ts';
import { layOutBackProjection } from '../../src/infer/back-projection.ts';
import { inspectModel } from '../../src/infer/inspect-model.ts';
import { describeFilter } from '../../src/infer/registry.ts';
import type { ResamplerOptions } from '../../src/kernels/resample.ts';
import { addErrorsPlainly, subtractPlainly } from '../kernels/back-project-reference.ts';
import { resampleReference } from '../kernels/resample-reference.ts';
import { makeNetwork, placeModel } from './graph-fixture.ts';
import { makePlan, planWishes, upscaleOnce, type Samples, type Wishes } from './upscaler-fixture.ts';

/** Repeats every sample: far from consistent with its source under a smooth filter. */
const repeat = await inspectModel(await placeModel(makeNetwork({})));

/** A picture with detail up to the limit of its band, of any depth, that never clips. */
const detail =
  (bits: number) =>
  (plane: number, x: number, y: number): number =>
    Math.round(
      2 ** (bits - 8) *
        (128 + 40 * Math.sin(0.9 * x + plane) * Math.cos(0.5 * y) + 30 * Math.sin(0.03 * x * y + 2 * plane)),
    );

const CASES: readonly (Partial<Wishes> & { readonly format: string })[] = [
  { format: 'yuv420p' },
  { format: 'yuv420p', location: 'topleft', width: 41, height: 33, outputWidth: 123, outputHeight: 99 },
  { format: 'yuv422p', outputFormat: 'yuv422p10le' },
  { format: 'yuv420p10le', outputWidth: 71, outputHeight: 53 },
  { format: 'yuv444p', outputFormat: 'yuv444p12le', range: 'pc' },
  { format: 'yuv420p', outputFormat: 'yuv420p16le', range: 'pc' },
  { format: 'gbrp', range: 'pc' },
];

function toWishes(wishes: (typeof CASES)[number], faithful: boolean): Wishes {
  return { model: repeat, width: 40, height: 30, magnification: 2, ...wishes, faithful };
}

/** What the upscaler must give bit for bit: the plain result, and the same steps by the plain references. */
async function projectPlainly(wishes: Wishes): Promise<Samples[]> {
  const plan = makePlan(wishes);
  const [input, output] = [pixelFormat(plan.input.format), pixelFormat(plan.output.format)];
  const layout = layOutBackProjection(plan, input, output);
  const planes = await upscaleOnce({ ...wishes, faithful: false }, detail(input.bits));
  const fullRange = plan.input.color.range === 'pc';
  for (const { source, target, lift, shrink, grow } of layout?.planes ?? []) {
    const resample = (samples: Samples, options: ResamplerOptions): Uint16Array =>
      resampleReference(samples, options) as Uint16Array;
    const { width, height } = lift.from;
    const own = Array.from({ length: width * height }, (_, at) =>
      detail(input.bits)(source, at % width, Math.floor(at / width)),
    );
    const lifted = resample(input.bits > 8 ? Uint16Array.from(own) : Uint8Array.from(own), lift);
    const gain = fullRange ? 65535 / (2 ** output.bits - 1) : 2 ** (16 - output.bits);
    for (const weight of layout?.weights ?? []) {
      const errors = subtractPlainly(lifted, resample(planes[target] ?? new Uint8Array(), shrink));
      planes[target] = addErrorsPlainly(
        planes[target] ?? new Uint8Array(),
        resample(errors, grow),
        weight / gain,
        2 ** output.bits - 1,
      );
    }
  }
  return planes;
}

/** PSNR in dB of each plane, sampled as the source was, against the source. */
async function measureConsistency(wishes: Wishes): Promise<number[]> {
  const plan = makePlan({ ...wishes, faithful: true });
  const [input, output] = [pixelFormat(plan.input.format), pixelFormat(plan.output.format)];
  const planes = await upscaleOnce(wishes, detail(input.bits));
  return (layOutBackProjection(plan, input, output)?.planes ?? []).map(({ source, target, lift, shrink }) => {
    const small = resampleReference(planes[target] ?? new Uint8Array(), shrink);
    const { width, height } = lift.to;
    const gain = plan.input.color.range === 'pc' ? 65535 / (2 ** input.bits - 1) : 2 ** (16 - input.bits);
    let squares = 0;
    small.forEach((value, at) => {
      const own = detail(input.bits)(source, at % width, Math.floor(at / width)) * gain;
      squares += ((value - own) / 256) ** 2;
    });
    return 10 * Math.log10(255 ** 2 / (squares / (width * height)));
  });
}

describe('back-projection', () => {
  it.each(CASES)('is what the plain references make, for %o', async (wishes) => {
    const faithful = toWishes(wishes, true);
    expect(await upscaleOnce(faithful, detail(pixelFormat(wishes.format).bits))).toEqual(
      await projectPlainly(faithful),
    );
  });

  it.each(CASES)('makes every plane agree with its source, for %o', async (wishes) => {
    const before = await measureConsistency(toWishes(wishes, false));
    const after = await measureConsistency(toWishes(wishes, true));
    expect(after).toHaveLength(3);
    after.forEach((value, i) => {
      // Where little is wrong, little can be gained.
      expect(value).toBeGreaterThan(Math.max(45, Math.min(53, (before[i] ?? 0) + 6)));
    });
  });

  it('leaves alpha and flat ground as they are', async () => {
    const flat = (plane: number): number => 40 + 50 * plane;
    const wishes: Wishes = { ...toWishes({ format: 'yuva420p' }, true), model: describeFilter('bicubic') };
    const planes = await upscaleOnce(wishes, flat);
    planes.forEach((plane, i) => expect(new Set(plane)).toEqual(new Set([flat(i)])));
    const output = pixelFormat('yuva420p');
    expect(layOutBackProjection(makePlan(wishes), output, output)?.planes).toHaveLength(3);
  });

  it('is not planned where the output has fewer samples than the source, and the plan says so', () => {
    const { plan, decisions } = planWishes({
      ...toWishes({ format: 'yuv420p' }, true),
      magnification: 1,
      outputWidth: 30,
      outputHeight: 30,
    });
    expect(plan.backProjection).toBeUndefined();
    expect(decisions).toContainEqual(expect.objectContaining({ topic: 'faithful', choice: 'not possible' }));
  });
});
