import { existsSync } from 'node:fs';
import process from 'node:process';
import { describe, expect, it } from 'vitest';
import { frameBytes, pixelFormat } from '../../src/core/pixel-format.ts';
import type { InferPlan } from '../../src/infer/infer-plan.ts';
import { arenaBytesForInfer } from '../../src/infer/plan-infer.ts';
import { loadRegistry } from '../../src/infer/registry.ts';
import { openUpscaler, type Upscaler } from '../../src/infer/upscaler.ts';
import { Arena } from '../../src/kernels/arena.ts';
import { makeNoise } from './tiny-networks.ts';
import { makePlan } from './upscaler-fixture.ts';

/** A Vulkan driver without a GPU, which comes with Chromium. Read when the first WebGPU session opens. */
const DRIVER = '/usr/lib/chromium/vk_swiftshader_icd.json';
const hasDriver = existsSync(DRIVER);
if (hasDriver) process.env['VK_DRIVER_FILES'] = DRIVER;
else console.warn(`WebGPU tests are skipped: ${DRIVER} is missing (Debian: apt-get install chromium).`);

const [width, height] = [70, 46];

async function upscale(
  plan: InferPlan,
): Promise<{ samples: Uint8Array | Uint16Array; device: Upscaler['device'] }> {
  const input = pixelFormat(plan.input.format);
  const output = pixelFormat(plan.output.format);
  const frames =
    frameBytes(input, width, height) + frameBytes(output, plan.output.width, plan.output.height) + 128;
  const arena = new Arena(arenaBytesForInfer(plan) + frames);
  const upscaler = await openUpscaler(plan, { arena });
  try {
    const frame = arena.allocateFrame(input, width, height, 0);
    const white = 2 ** input.bits - 1;
    const noise = makeNoise(width * height, 3);
    const samples =
      input.bits > 8 ? arena.words(frame.offset, noise.length) : arena.bytes(frame.offset, noise.length);
    noise.forEach((value, i) => {
      const soft = 0.5 + 0.3 * Math.sin((i % width) / 6) * Math.cos(i / width / 5);
      samples[i] = Math.round(white * Math.min(Math.max(soft + value * 0.3, 0), 1));
    });
    const result = await upscaler.upscale(frame);
    const length = result.byteLength / output.bytesPerSample;
    return {
      samples:
        output.bits > 8
          ? arena.words(result.offset, length).slice()
          : arena.bytes(result.offset, length).slice(),
      device: upscaler.device,
    };
  } finally {
    await upscaler.close();
  }
}

function worstDifference(a: Uint8Array | Uint16Array, b: Uint8Array | Uint16Array): number {
  let most = 0;
  for (let i = 0; i < a.length; i++) most = Math.max(most, Math.abs((a[i] ?? 0) - (b[i] ?? Infinity)));
  return most;
}

describe.skipIf(!hasDriver)('WebGPU', () => {
  it.each(['gray', 'gray10le'])('gives what the CPU gives, to one code value: %s', async (format) => {
    const { default: model } = await loadRegistry({ directories: [modelsOfUpreel()] });
    const plan = makePlan({ model: model.facts, format, width, height });
    const cpu = await upscale(plan);
    const gpu = await upscale({ ...plan, device: 'webgpu' });
    expect(gpu.device).toEqual({ asked: 'webgpu', used: 'webgpu', precision: 'fp32', tried: [] });
    expect(gpu.samples.length).toBe(width * height * 4);
    expect(worstDifference(cpu.samples, gpu.samples)).toBeLessThanOrEqual(1);
  });

  it('is not chosen by itself where software draws for it', async () => {
    const { default: model } = await loadRegistry({ directories: [modelsOfUpreel()] });
    const plan = makePlan({ model: model.facts, format: 'gray', width, height });
    const { device } = await upscale({ ...plan, device: 'auto' });
    expect(device.used).toBe('cpu');
    const attempt = device.tried.find((entry) => entry.device === 'webgpu');
    expect(attempt?.error).toMatch(/software/);
  });
});

function modelsOfUpreel(): string {
  return new URL('../../models/', import.meta.url).pathname;
}
