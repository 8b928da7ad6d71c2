import { createHash } from 'node:crypto';
import { parseRational, type Rational } from '../../src/core/rational.ts';
import type { DecodePlan, SegmentPlan } from '../../src/decode/decode-plan.ts';
import { openDecoder, type DecoderOptions, type DecodeReport } from '../../src/decode/decoder.ts';
import { buildArguments } from '../../src/ffmpeg/command.ts';
import { runFfmpeg, runFfprobe } from '../../src/ffmpeg/process.ts';
import type { FfmpegTools } from '../../src/ffmpeg/tools.ts';
import { Arena } from '../../src/kernels/arena.ts';

export const TEST_PICTURE = 'testsrc2=size=96x64:rate=25:duration=4';

/** Encodes lavfi's moving test picture; `options` are those of the output. */
export async function makeClip(
  tools: FfmpegTools,
  path: string,
  options: readonly string[],
  graph = TEST_PICTURE,
): Promise<string> {
  const input = { path: graph, options: ['-f', 'lavfi'] };
  const args = buildArguments({ global: ['-v', 'error'], inputs: [input], outputs: [{ path, options }] });
  await runFfmpeg(tools, args, { what: `making ${path}` });
  return path;
}

/** Time base, and times of all packets and of key frames, as the container has them. */
export async function readPackets(
  tools: FfmpegTools,
  path: string,
): Promise<{ timeBase: Rational; keyframes: number[]; packets: number }> {
  const text = await runFfprobe(
    tools,
    [
      '-v',
      'error',
      '-select_streams',
      'v:0',
      '-show_entries',
      'stream=time_base:packet=pts,flags',
      '-of',
      'json',
      path,
    ],
    { what: `reading ${path}` },
  );
  const { streams, packets } = JSON.parse(text) as {
    streams: { time_base: string }[];
    packets: { pts: number; flags: string }[];
  };
  const timeBase = parseRational(streams[0]?.time_base ?? '');
  if (timeBase === null) throw new Error(`no time base in ${path}`);
  const keyframes = packets.filter(({ flags }) => flags.startsWith('K')).map(({ pts }) => pts);
  return { timeBase, keyframes, packets: packets.length };
}

export function makePlan(path: string, changes: Partial<DecodePlan>): DecodePlan {
  return {
    path,
    inputOptions: [],
    streamIndex: 0,
    decoder: null,
    filters: [],
    format: 'yuv420p',
    width: 96,
    height: 64,
    timeBase: { num: 1, den: 25 },
    framesPerInput: 1,
    seek: 'keyframe',
    copyTimestamps: true,
    clockStreams: [],
    filterMargin: 0,
    threads: 1,
    ...changes,
  };
}

export function makeSegment(changes: Partial<SegmentPlan> = {}): SegmentPlan {
  return { index: 0, startPts: null, endPts: null, seekPts: null, expectedFrames: 0, ...changes };
}

export interface SeenFrame {
  readonly pts: number;
  readonly role: string;
  readonly hash: string;
}

/** Decodes a segment, and makes sure that no frame stays in the arena. */
export async function decode(
  plan: DecodePlan,
  segment: SegmentPlan,
  options: Pick<DecoderOptions, 'tools'> & Partial<DecoderOptions>,
): Promise<{ frames: SeenFrame[]; report: DecodeReport }> {
  const arena = options.arena ?? new Arena(1 << 20);
  const decoder = openDecoder(plan, segment, { leadFrames: 0, tailFrames: 0, ...options, arena });
  const frames: SeenFrame[] = [];
  for await (const { frame, role } of decoder.frames()) {
    const hash = createHash('sha256').update(arena.bytes(frame.offset, frame.byteLength)).digest('hex');
    frames.push({ pts: frame.pts, role, hash });
    frame.dispose();
  }
  if (arena.usedBytes !== 0) throw new Error(`${arena.usedBytes} bytes were left in the arena`);
  return { frames, report: decoder.report() };
}
