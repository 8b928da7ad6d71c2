import path from 'node:path';
import { pixelFormat } from '../../src/core/pixel-format.ts';
import { parseRational, type Rational } from '../../src/core/rational.ts';
import { probe } from '../../src/decode/probe.ts';
import type { Source } from '../../src/decode/source.ts';
import { assemble, type AssembledFile } from '../../src/encode/assemble.ts';
import type { AssemblySegment } from '../../src/encode/concat-list.ts';
import { openEncoder } from '../../src/encode/encoder.ts';
import type { EncodePlan } from '../../src/encode/encode-plan.ts';
import { planEncode, type PlanEncodeOptions, type PlannedEncode } from '../../src/encode/plan-encode.ts';
import { findProfile, outputFormatFor } from '../../src/encode/profiles.ts';
import { readCapabilities } from '../../src/ffmpeg/capabilities.ts';
import { buildArguments } from '../../src/ffmpeg/command.ts';
import { runFfmpeg, runFfprobe } from '../../src/ffmpeg/process.ts';
import type { FfmpegTools } from '../../src/ffmpeg/tools.ts';
import { Arena } from '../../src/kernels/arena.ts';

export const WIDTH = 128;
export const HEIGHT = 96;

/** Makes a clip; each of `graphs` is one lavfi input, `options` are those of the output. */
export async function makeClip(
  tools: FfmpegTools,
  file: string,
  graphs: readonly string[],
  options: readonly string[],
  files: readonly { path: string; options?: readonly string[] }[] = [],
): Promise<string> {
  const inputs = [...graphs.map((graph) => ({ path: graph, options: ['-f', 'lavfi'] })), ...files];
  const args = buildArguments({ global: ['-v', 'error'], inputs, outputs: [{ path: file, options }] });
  await runFfmpeg(tools, args, { what: `making ${file}` });
  return file;
}

/** A tiny progressive clip without sound, and what probing it gives. */
export async function makePlainSource(tools: FfmpegTools, directory: string): Promise<Source> {
  const file = await makeClip(
    tools,
    path.join(directory, 'plain.mkv'),
    ['testsrc2=size=64x48:rate=25:duration=0.2'],
    ['-c:v', 'ffv1', '-pix_fmt', 'yuv420p'],
  );
  return probe(file, { tools });
}

export type PlanWishes = Partial<PlanEncodeOptions> & Pick<PlanEncodeOptions, 'source' | 'outputPath'>;

/** Plans with everything as the pipeline would have it unless `wishes` say otherwise. */
export async function planFor(tools: FfmpegTools, wishes: PlanWishes): Promise<PlannedEncode> {
  const profile = wishes.profile ?? 'h264';
  return planEncode({
    workFormat: outputFormatFor(findProfile(profile), 'yuv420p'),
    width: WIDTH,
    height: HEIGHT,
    color: {
      range: 'tv',
      primaries: 'bt709',
      transfer: 'bt709',
      matrix: 'bt709',
      chromaLocation: 'left',
    },
    hdr: {},
    timeBase: { num: 1, den: 25 },
    frameRate: { num: 25, den: 1 },
    framesPerInput: 1,
    copyTimestamps: true,
    clockStreams: [],
    audio: 'copy',
    capabilities: await readCapabilities(tools),
    overwrite: false,
    threads: 1,
    ...wishes,
    profile,
  });
}

/** Fills frame `index` with a pattern that moves and has structure, so that encoders have something to do. */
function paint(bytes: Uint8Array, plan: EncodePlan, index: number): void {
  const format = pixelFormat(plan.inputFormat);
  const words =
    format.bytesPerSample === 2 ? new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2) : null;
  const samples = words ?? bytes;
  const top = 2 ** format.bits - 1;
  for (let i = 0; i < samples.length; i++) {
    const x = i % plan.width;
    const y = Math.floor(i / plan.width);
    samples[i] = Math.round(((((x + 3 * index) % 64) + (y % 32)) / 96) * 0.7 * top + 0.1 * top);
  }
}

/** Encodes one segment for each list of times, into `directory`. */
export async function encodeSegments(
  tools: FfmpegTools,
  plan: EncodePlan,
  segments: readonly (readonly number[])[],
  directory: string,
  lastDuration: number,
): Promise<AssemblySegment[]> {
  const format = pixelFormat(plan.inputFormat);
  const arena = new Arena(8 << 20);
  const made: AssemblySegment[] = [];
  let index = 0;
  for (const [i, times] of segments.entries()) {
    const stem = path.join(directory, `segment-${String(i).padStart(5, '0')}`);
    const target = plan.segmentContainer === 'image2' ? stem : `${stem}.${plan.segmentExtension}`;
    const encoder = await openEncoder(plan, target, { arena, tools });
    for (const pts of times) {
      const frame = arena.allocateFrame(format, plan.width, plan.height, pts);
      paint(arena.bytes(frame.offset, frame.byteLength), plan, index++);
      await encoder.write(frame);
    }
    const { frames } = await encoder.finish();
    const firstPts = times[0] ?? 0;
    const lastPts = times.at(-1) ?? 0;
    const next = segments[i + 1]?.[0];
    made.push({
      path: target,
      firstPts,
      lastPts,
      frames,
      lastDuration: next === undefined ? lastDuration : next - lastPts,
    });
  }
  if (arena.usedBytes !== 0) throw new Error(`${String(arena.usedBytes)} bytes were left in the arena`);
  return made;
}

/** Encodes and assembles; returns what the plan promised and what came out. */
export async function deliver(
  tools: FfmpegTools,
  wishes: PlanWishes,
  segments: readonly (readonly number[])[],
  directory: string,
  lastDuration = 1,
): Promise<PlannedEncode & { file: AssembledFile; segments: AssemblySegment[] }> {
  const planned = await planFor(tools, wishes);
  const made = await encodeSegments(tools, planned.encode, segments, directory, lastDuration);
  const file = await assemble(planned.assemble, planned.encode, made, { tools, workDirectory: directory });
  return { ...planned, file, segments: made };
}

export interface ProbedStream {
  readonly index: number;
  readonly codec_type: string;
  readonly codec_name: string;
  readonly codec_tag_string: string;
  readonly time_base: string;
  readonly start_pts?: number;
  readonly start_time?: string;
  readonly duration?: string;
  readonly pix_fmt?: string;
  readonly color_range?: string;
  readonly color_space?: string;
  readonly color_transfer?: string;
  readonly color_primaries?: string;
  readonly chroma_location?: string;
  readonly avg_frame_rate?: string;
  readonly r_frame_rate?: string;
  readonly width?: number;
  readonly height?: number;
  readonly side_data_list?: readonly Record<string, unknown>[];
  readonly disposition: Readonly<Record<string, number>>;
  readonly tags?: Readonly<Record<string, string>>;
}

export interface ProbedFile {
  readonly streams: readonly ProbedStream[];
  readonly chapters: readonly { start_time: string; end_time: string; tags?: Record<string, string> }[];
  readonly format: { readonly duration?: string; readonly tags?: Readonly<Record<string, string>> };
}

export async function readFile(tools: FfmpegTools, file: string): Promise<ProbedFile> {
  const text = await runFfprobe(
    tools,
    ['-v', 'error', '-show_streams', '-show_format', '-show_chapters', '-of', 'json', file],
    { what: `reading ${file}` },
  );
  return JSON.parse(text) as ProbedFile;
}

/** Times of the frames of a stream in order of showing, in seconds as exact ticks of the file. */
export async function readTimes(
  tools: FfmpegTools,
  file: string,
  stream = 'v:0',
): Promise<{ timeBase: Rational; pts: number[]; dts: (number | null)[]; durations: (number | null)[] }> {
  const text = await runFfprobe(
    tools,
    [
      ...['-v', 'error', '-select_streams', stream],
      ...['-show_entries', 'stream=time_base:packet=pts,dts,duration', '-of', 'json', file],
    ],
    { what: `reading ${file}` },
  );
  const { streams, packets } = JSON.parse(text) as {
    streams: { time_base: string }[];
    packets: { pts: number; dts?: number; duration?: number }[];
  };
  const timeBase = parseRational(streams[0]?.time_base ?? '') ?? { num: 1, den: 1 };
  const sorted = [...packets].sort((a, b) => a.pts - b.pts);
  return {
    timeBase,
    pts: sorted.map(({ pts }) => pts),
    dts: packets.map(({ dts }) => dts ?? null),
    durations: sorted.map(({ duration }) => duration ?? null),
  };
}
