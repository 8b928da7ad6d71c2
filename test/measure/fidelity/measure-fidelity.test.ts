import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { probe } from '../../../src/decode/probe.ts';
import { runFfmpeg } from '../../../src/ffmpeg/process.ts';
import { findTools, type FfmpegTools } from '../../../src/ffmpeg/tools.ts';
import { drawHeatMap } from '../../../src/measure/fidelity/draw-heat-map.ts';
import type { FidelityReport } from '../../../src/measure/fidelity/fidelity-report.ts';
import { measureFidelity } from '../../../src/measure/fidelity/measure-fidelity.ts';
import { convert, PAL_TAGS } from '../clip-fixture.ts';

const TRUTH = 'samples/truth/indoors.mkv';
const FFV1 = ['-c:v', 'ffv1', '-bitexact'];
const ENLARGE = 'scale=384:288:flags=lanczos+accurate_rnd+full_chroma_int';

let tools: FfmpegTools;
let folder: string;
let source: string;
const file = (name: string): string => path.join(folder, name);

beforeAll(async () => {
  tools = await findTools();
  folder = await mkdtemp(path.join(os.tmpdir(), 'upreel-fidelity-'));
  source = await convert(tools, [[TRUTH]], file('source.mkv'), [
    ...['-vf', 'scale=192:144:flags=bicubic+accurate_rnd+full_chroma_int', '-frames:v', '6'],
    ...[...PAL_TAGS, '-pix_fmt', 'yuv420p', ...FFV1],
  ]);
});

afterAll(() => rm(folder, { recursive: true, force: true }));

async function make(
  name: string,
  filter: string,
  options: readonly string[] = [...PAL_TAGS, '-pix_fmt', 'yuv420p', ...FFV1],
): Promise<string> {
  return convert(tools, [[source]], file(name), ['-vf', filter, ...options]);
}

async function measure(output: string, input = source): Promise<FidelityReport> {
  const [a, b] = [await probe(input, { tools }), await probe(output, { tools })];
  return (await measureFidelity(a, b, { tools })).report;
}

/** What ffmpeg's own bicubic filter, a little sharper than ours (a = -0.6 for -0.5), and its `psnr` filter say of luma. */
async function measureByFfmpeg(output: string): Promise<number> {
  const shrink = 'scale=192:144:flags=bicubic+accurate_rnd';
  const { stderr } = await runFfmpeg(
    tools,
    ['-nostdin', '-i', output, '-i', source, '-lavfi', `[0:v]${shrink}[a];[a][1:v]psnr`, '-f', 'null', '-'],
    { what: 'comparing' },
  );
  return Number(/PSNR y:([\d.]+)/.exec(stderr)?.[1]);
}

describe('measureFidelity', () => {
  it("agrees with ffmpeg's own filters", async () => {
    const output = await make('lanczos.mkv', ENLARGE);
    const { consistency, frames, worst, beyondBand } = await measure(output);
    expect(Math.abs(consistency.y - (await measureByFfmpeg(output)))).toBeLessThan(0.6);
    expect(frames).toHaveLength(6);
    expect(worst.y).toBe(Math.min(...frames.map((frame) => frame.consistency.y)));
    expect(beyondBand?.share).toBeLessThan(0.01);
  });

  it('sees what departs from the source, and what was added above its band', async () => {
    const plain = await measure(await make('plain.mkv', ENLARGE));
    const noisy = await measure(await make('noisy.mkv', `${ENLARGE},noise=c0s=20:c0_seed=7`));
    const moved = await measure(await make('moved.mkv', `${ENLARGE},crop=iw-8:ih:8:0,pad=iw+8:ih`));
    expect(noisy.beyondBand?.rms ?? 0).toBeGreaterThan(2 * (plain.beyondBand?.rms ?? 0) + 2);
    expect(moved.consistency.y).toBeLessThan(plain.consistency.y - 6);
  });

  it('goes by what code values mean: siting, subsampling, matrix, range and depth may be others', async () => {
    const plain = await measure(await make('plain.mkv', ENLARGE));
    const scale = 'scale=384:288:flags=lanczos+accurate_rnd+full_chroma_int';
    const others = {
      'full range': [`${scale}:in_range=tv:out_range=pc`, '-pix_fmt', 'yuv420p', '-color_range', 'pc'],
      bt709: [
        ...[`${scale}:in_color_matrix=bt601:out_color_matrix=bt709`, '-pix_fmt', 'yuv420p'],
        ...['-colorspace', 'bt709', '-color_primaries', 'bt709', '-color_trc', 'bt709', '-color_range', 'tv'],
      ],
      '4:4:4 of 10 bits': [scale, '-pix_fmt', 'yuv444p10le', ...PAL_TAGS],
      rgb: [`${scale}:in_color_matrix=bt601`, '-pix_fmt', 'gbrp'],
    };
    for (const [name, [filter = '', ...options]] of Object.entries(others)) {
      const output = await make(`${name.replaceAll(':', '')}.mkv`, filter, [...options, ...FFV1]);
      const { consistency } = await measure(output);
      expect(Math.abs(consistency.y - plain.consistency.y), `${name}, luma`).toBeLessThan(1.5);
      expect(consistency.u, `${name}, chroma`).toBeGreaterThan((plain.consistency.u ?? 0) - 6);
    }
    // The very same samples, said to lie half a chroma sample away.
    const shifted = await make('center.mkv', ENLARGE, [
      ...[...PAL_TAGS, '-chroma_sample_location', 'center', '-pix_fmt', 'yuv420p', ...FFV1],
    ]);
    expect((await measure(shifted)).consistency.u).toBeLessThan((plain.consistency.u ?? 0) - 3);
  });

  it('pairs fields with the frames that were made of them', async () => {
    const fields = await convert(tools, [[source]], file('fields.mov'), [
      ...['-vf', 'tinterlace=mode=interleave_top', '-flags', '+ildct+ilme', ...PAL_TAGS],
      ...['-c:v', 'libx264', '-x264-params', 'tff=1', '-crf', '10', '-pix_fmt', 'yuv420p'],
    ]);
    const frames = await convert(tools, [[fields]], file('frames.mkv'), [
      ...[
        '-vf',
        `bwdif=mode=send_field:parity=tff:deint=all,${ENLARGE}`,
        ...PAL_TAGS,
        '-pix_fmt',
        'yuv420p',
        ...FFV1,
      ],
    ]);
    const { frames: compared, consistency } = await measure(frames, fields);
    expect(compared).toHaveLength(6);
    expect(consistency.y).toBeGreaterThan(40);
  });

  it('draws the frame that departs most', async () => {
    const broken = await make(
      'broken.mkv',
      `${ENLARGE},drawbox=x=100:y=60:w=40:h=40:t=fill:enable='eq(n,3)'`,
    );
    const [a, b] = [await probe(source, { tools }), await probe(broken, { tools })];
    const { departures } = await measureFidelity(a, b, { tools });
    expect(departures.worst.frame).toBe(3);
    expect(departures.worst.departure[40 * 192 + 60]).toBeGreaterThan(8);
    expect(departures.worst.departure[120 * 192 + 160]).toBeLessThan(8);
    const picture = drawHeatMap(departures);
    expect(picture.width).toBeGreaterThan(3 * 192);
  });

  it('refuses files that do not belong together', async () => {
    const cases = {
      'frames.mkv': ['scale=384:288,trim=end_frame=2', /has 2 frames where .* gives 6/],
      'shape.mkv': ['scale=384:240,setsar=1', /another shape, 384x240/],
      'smaller.mkv': ['scale=96:72', /is smaller than its source/],
    } as const;
    for (const [name, [filter, message]] of Object.entries(cases)) {
      const output = await make(`refused-${name}`, filter);
      await expect(measure(output), name).rejects.toMatchObject({
        code: 'USAGE',
        message: expect.stringMatching(message) as string,
      });
    }
  });
});
