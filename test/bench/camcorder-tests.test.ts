import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { makeCamcorderTests, MEDIA, type CamcorderTest } from '../../bench/camcorder-tests.ts';
import { embeddedTools } from '../ffmpeg/tool-sets.ts';
import { computeInnerPsnr, scaleLuma } from '../../src/measure/luma-plane.ts';

const CLIP = fileURLToPath(new URL('../../samples/truth/indoors.mkv', import.meta.url));
/** What noise of sigma 3 alone leaves. */
const NOISE_PSNR = 10 * Math.log10(255 ** 2 / 3 ** 2);

const tools = await embeddedTools();
let tests: CamcorderTest[] = [];

beforeAll(async () => {
  tests = await makeCamcorderTests(CLIP, { tools, factor: 2 });
}, 600_000);

describe('camcorder tests', () => {
  it('are three frames of each medium, of half the size', () => {
    expect(tests.map(({ medium }) => medium)).toEqual([1, 2, 3].flatMap(() => [...MEDIA]));
    for (const { truth, small } of tests) {
      expect([2 * small.width, 2 * small.height]).toEqual([truth.width, truth.height]);
    }
  });

  it('show the picture, with its noise and what the codec adds or takes', async () => {
    for (const { truth, small, medium } of tests) {
      const [clean] = await scaleLuma([truth], small, 'bicubic', { tools });
      const psnr = clean === undefined ? 0 : computeInnerPsnr(clean, small, 8);
      expect(psnr, medium).toBeGreaterThan(NOISE_PSNR - 8);
      expect(psnr, medium).toBeLessThan(NOISE_PSNR + 4);
    }
  });

  it('tell what a denoiser makes of them: something else, and nothing absurd', () => {
    for (const { lanczos, denoised } of tests) {
      expect(denoised).not.toBe(lanczos);
      expect(Math.abs(denoised - lanczos)).toBeLessThan(4);
    }
  });

  it('are always the same', async () => {
    const again = await makeCamcorderTests(CLIP, { tools, factor: 2 });
    expect(again.map(({ small }) => small.samples)).toEqual(tests.map(({ small }) => small.samples));
    expect(again.map(({ lanczos, denoised }) => [lanczos, denoised])).toEqual(
      tests.map(({ lanczos, denoised }) => [lanczos, denoised]),
    );
  }, 600_000);
});
