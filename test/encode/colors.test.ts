import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Color, HdrMetadata } from '../../src/core/color.ts';
import type { Source } from '../../src/decode/source.ts';
import { runFfprobe } from '../../src/ffmpeg/process.ts';
import type { FfmpegTools } from '../../src/ffmpeg/tools.ts';
import { findToolSets } from '../ffmpeg/tool-sets.ts';
import { deliver, makePlainSource, readFile, type ProbedStream } from './encode-fixture.ts';

const directory = await mkdtemp(path.join(os.tmpdir(), 'upreel-colors-'));
const toolSets = await findToolSets();
afterAll(() => rm(directory, { recursive: true, force: true }));

const PAL: Color = {
  range: 'tv',
  primaries: 'bt470bg',
  transfer: 'smpte170m',
  matrix: 'bt470bg',
  chromaLocation: 'left',
};
const FULL: Color = {
  range: 'pc',
  primaries: 'bt709',
  transfer: 'bt709',
  matrix: 'bt709',
  chromaLocation: 'center',
};
const PQ: Color = {
  range: 'tv',
  primaries: 'bt2020',
  transfer: 'smpte2084',
  matrix: 'bt2020nc',
  chromaLocation: 'topleft',
};
const MASTERING: HdrMetadata = {
  mastering: {
    red: [0.708, 0.292],
    green: [0.17, 0.797],
    blue: [0.131, 0.046],
    white: [0.3127, 0.329],
    minLuminance: 0.005,
    maxLuminance: 1000,
  },
  contentLight: { maxCll: 900, maxFall: 300 },
};

interface ProbedFrame {
  readonly color_space?: string;
  readonly color_range?: string;
  readonly side_data_list?: readonly Record<string, unknown>[];
}

async function readFirstFrame(tools: FfmpegTools, file: string): Promise<ProbedFrame> {
  const text = await runFfprobe(
    tools,
    [
      ...['-v', 'error', '-select_streams', 'v:0', '-read_intervals', '%+#1'],
      ...['-show_frames', '-of', 'json', file],
    ],
    { what: `reading ${file}` },
  );
  const { frames } = JSON.parse(text) as { frames: ProbedFrame[] };
  return frames[0] ?? {};
}

function describeColor(stream: ProbedStream | undefined): Partial<Color> {
  return {
    range: stream?.color_range as Color['range'],
    primaries: stream?.color_primaries ?? 'unknown',
    transfer: stream?.color_transfer ?? 'unknown',
    matrix: stream?.color_space ?? 'unknown',
  };
}

describe.each(toolSets)('with ffmpeg %s', (name, tools) => {
  let source: Source;
  beforeAll(async () => {
    await mkdir(path.join(directory, name), { recursive: true });
    source = await makePlainSource(tools, path.join(directory, name));
  });

  async function run(
    profile: string,
    extension: string,
    color: Color,
    rest: { workFormat?: string; hdr?: HdrMetadata } = {},
  ): Promise<{ stream: ProbedStream | undefined; frame: ProbedFrame; codes: string[] }> {
    const work = await mkdtemp(path.join(directory, 'work-'));
    const output = path.join(work, `out.${extension}`);
    const { notices } = await deliver(
      tools,
      { source, outputPath: output, profile, color, width: 256, height: 128, ...rest },
      [
        [0, 1],
        [2, 3],
      ],
      work,
    );
    const { streams } = await readFile(tools, output);
    return {
      stream: streams[0],
      frame: await readFirstFrame(tools, output),
      codes: notices.map(({ code }) => code),
    };
  }

  it.each([
    ['h264', 'mp4'],
    ['h264', 'mkv'],
    ['h265', 'mp4'],
    ['vp9', 'webm'],
    ['prores', 'mov'],
    ['ffv1', 'mkv'],
  ])('writes the colours of a PAL tape into %s in %s', async (profile, extension) => {
    const workFormat = profile === 'prores' ? 'yuv422p10le' : 'yuv420p';
    const { stream, frame } = await run(profile, extension, PAL, { workFormat });
    const got = describeColor(stream);
    // ProRes has no range, and older writers of QuickTime call both transfers, which are the same curve, BT.709.
    if (profile === 'prores') expect(got).toMatchObject({ primaries: 'bt470bg', matrix: 'bt470bg' });
    else expect(got).toEqual({ ...PAL, chromaLocation: undefined });
    expect(frame.color_space).toBe('bt470bg');
  });

  it.each([
    ['h264', 'mp4'],
    ['h265', 'mkv'],
    ['ffv1', 'mkv'],
  ])('keeps full range and the chroma location in %s', async (profile, extension) => {
    const { stream } = await run(profile, extension, FULL);
    expect(stream?.color_range).toBe('pc');
    expect(stream?.chroma_location).toBe('center');
  });

  it('keeps ten bits, PQ and the mastering metadata in H.265', async () => {
    const { stream, frame, codes } = await run('h265', 'mp4', PQ, {
      workFormat: 'yuv420p10le',
      hdr: MASTERING,
    });
    expect(stream?.pix_fmt).toBe('yuv420p10le');
    expect(stream?.color_transfer).toBe('smpte2084');
    expect(stream?.chroma_location).toBe('topleft');
    const light = frame.side_data_list?.find((data) => 'max_content' in data);
    expect(light).toMatchObject({ max_content: 900, max_average: 300 });
    const display = frame.side_data_list?.find((data) => 'max_luminance' in data);
    expect(display).toMatchObject({ max_luminance: '10000000/10000', red_x: '35400/50000' });
    expect(codes).not.toContain('hdr-metadata-dropped');
  });

  it('says that H.264 drops mastering metadata', async () => {
    const { codes } = await run('h264', 'mp4', PQ, { workFormat: 'yuv420p10le', hdr: MASTERING });
    expect(codes).toContain('hdr-metadata-dropped');
  });

  it('converts to what DNxHR and ProRes can say, and tells it', async () => {
    const dnxhr = await run('dnxhr', 'mov', PAL, { workFormat: 'yuv422p10le' });
    expect(dnxhr.stream?.color_space).toBe('bt709');
    expect(dnxhr.frame.color_space).toBe('bt709');
    expect(dnxhr.codes).toContain('matrix-converted');
    const prores = await run('prores', 'mov', FULL, { workFormat: 'yuv422p10le' });
    expect(prores.stream?.color_range ?? 'tv').toBe('tv');
    expect(prores.codes).toContain('range-converted');
  });

  it('gives RGB frames the matrix of their primaries', async () => {
    const rgb: Color = { ...PQ, range: 'pc', matrix: 'gbr' };
    const { stream } = await run('h265', 'mp4', rgb, { workFormat: 'gbrp10le' });
    expect(stream?.color_space).toBe('bt2020nc');
    expect(stream?.color_range).toBe('tv');
  });
});
