import { buildArguments, LEAST_SHIFT, readAlong } from '../ffmpeg/command.ts';
import { rational } from '../core/rational.ts';
import { buildColorOptions } from './color-options.ts';
import {
  effectiveOrigin,
  formatMicroseconds,
  sourceOrigin,
  toMicroseconds,
  type AssemblySegment,
} from './concat-list.ts';
import type { AssemblePlan, EncodePlan } from './encode-plan.ts';
import type { SpeechFile } from './unpack-speech.ts';

/** Statistics that Matroska writers leave on streams; they are lies after a copy. */
const STALE_TAGS = [
  'BPS',
  'DURATION',
  'NUMBER_OF_FRAMES',
  'NUMBER_OF_BYTES',
  '_STATISTICS_WRITING_APP',
  '_STATISTICS_WRITING_DATE_UTC',
  '_STATISTICS_TAGS',
];

/** The command that joins segments with the source's other streams. Pure. */
export function buildAssembleCommand(
  plan: AssemblePlan,
  encode: EncodePlan,
  segments: readonly AssemblySegment[],
  files: {
    readonly list: string;
    readonly output: string;
    /** Pictures taken out of the source, by stream index: Matroska holds covers as attachments. */
    readonly covers?: ReadonlyMap<number, string>;
    /** Tracks that were taken out of the source before, by stream index. */
    readonly speech?: ReadonlyMap<number, SpeechFile>;
    /** Microseconds that all streams are shifted by, so that none begins before zero. @defaultValue 0 */
    readonly delay?: bigint;
  },
): string[] {
  const { delay = 0n, speech = new Map<number, SpeechFile>() } = files;
  const kept = plan.streams.filter(({ action }) => action !== 'drop');
  const withSource = kept.length > 0 || plan.chapters || plan.muxer !== 'image2';
  const firstPts = segments[0]?.firstPts ?? 0;
  const originTicks = effectiveOrigin(plan.originTicks, segments);
  const start = toMicroseconds(firstPts - originTicks, plan.timeBase);
  const { part } = plan.source;
  const sourceShift = BigInt(Math.round(plan.source.startTime * 1e6)) - sourceOrigin(plan, segments);
  /** Where an input stands whose own zero lies `begin` after the source's start. */
  const place = (begin: bigint): readonly string[] => {
    if (part !== null) {
      const from = BigInt(part.start) - begin;
      const late = from < 0n ? -from : 0n;
      const length = BigInt(part.length) - late;
      return [...shiftBy(late), '-ss', formatMicroseconds(from + late), '-t', formatMicroseconds(length)];
    }
    return shiftBy(sourceShift + begin);
  };
  return buildArguments({
    global: ['-v', 'warning'],
    inputs: [
      { path: files.list, options: ['-f', 'concat', '-safe', '0', '-itsoffset', formatMicroseconds(start)] },
      ...(withSource
        ? [
            {
              path: plan.source.path,
              options: [...place(0n), ...plan.source.inputOptions],
            },
          ]
        : []),
      ...[...speech.values()].map((file) => ({ path: file.path, options: place(file.start) })),
    ],
    outputs: [
      {
        path: files.output,
        options: [
          ...['-map', '0:v:0', '-c:v:0', 'copy', ...rateArguments(encode), ...colorArguments(encode)],
          ...mapStreams(plan, kept, files.covers ?? new Map<number, string>(), [...speech.keys()]),
          ...['-map_metadata', withSource ? '1' : '-1', '-map_chapters', plan.chapters ? '1' : '-1'],
          ...tagArguments(plan),
          ...(plan.timecode === null ? [] : ['-timecode', plan.timecode.text]),
          ...(plan.timecode === null && 'timecode' in plan.metadata && plan.metadata['timecode'] === ''
            ? ['-write_tmcd', '0']
            : []),
          // Chapters know no end of their input.
          ...(part !== null && plan.chapters ? ['-t', formatMicroseconds(BigInt(part.length))] : []),
          ...(delay === 0n ? [] : ['-output_ts_offset', formatMicroseconds(delay)]),
          ...['-max_muxing_queue_size', '4096'],
          ...plan.muxerArguments,
          ...['-f', plan.muxer],
        ],
      },
      ...(withSource ? readAlong(1, plan.source.clockStreams) : []),
    ],
  });
}

/** How an input is shifted by so many microseconds. */
function shiftBy(microseconds: bigint): readonly string[] {
  return microseconds === 0n ? LEAST_SHIFT : ['-itsoffset', formatMicroseconds(microseconds)];
}

/** The nominal rate, which timecode tracks count in; times are not touched by it in a copy. */
function rateArguments(encode: EncodePlan): string[] {
  const rate = encode.frameRate;
  if (rate === null) return [];
  const exact = rational(rate.num, rate.den);
  return ['-r:v:0', `${String(exact.num)}/${String(exact.den)}`];
}

/** Not every segment's container carries the colours; those that go into the file's are said here. */
function colorArguments({ color }: EncodePlan): string[] {
  const location = color.chromaLocation;
  return [
    ...buildColorOptions(color, ':v:0'),
    ...(location === 'unknown' ? [] : ['-chroma_sample_location:v:0', location]),
  ];
}

function mapStreams(
  plan: AssemblePlan,
  kept: readonly AssemblePlan['streams'][number][],
  covers: ReadonlyMap<number, string>,
  /** Streams that are inputs of their own, behind the source. */
  apart: readonly number[],
): string[] {
  const counts = { v: 1, a: 0, s: 0, t: 0, d: 0 };
  const args: string[] = [];
  for (const stream of kept) {
    const cover = covers.get(stream.index);
    if (cover !== undefined) {
      const type = cover.endsWith('.png') ? 'png' : 'jpeg';
      const specifier = `s:t:${String(counts.t++)}`;
      args.push('-attach', cover, `-metadata:${specifier}`, `mimetype=image/${type}`);
      args.push(`-metadata:${specifier}`, `filename=cover.${type === 'png' ? 'png' : 'jpg'}`);
      continue;
    }
    const letter =
      stream.type === 'audio'
        ? 'a'
        : stream.type === 'subtitle'
          ? 's'
          : stream.type === 'cover'
            ? 'v'
            : stream.type === 'attachment'
              ? 't'
              : 'd';
    const specifier = `${letter}:${String(counts[letter]++)}`;
    const own = apart.indexOf(stream.index);
    const input = own === -1 ? `1:${String(stream.index)}` : `${String(2 + own)}:0`;
    if (own !== -1) {
      // A raw stream has no word of language and the like.
      args.push(`-map_metadata:s:${specifier}`, `1:s:${String(stream.index)}`);
      args.push(`-disposition:${specifier}`, 'default');
    }
    args.push('-map', input, `-c:${specifier}`, stream.encoder ?? 'copy');
    for (const [i, argument] of stream.arguments.entries()) {
      // `-b:a` becomes `-b:a:0`: the arguments are this stream's own.
      args.push(
        i % 2 === 0 && argument.startsWith('-')
          ? `${argument.replace(/:[avs]$/, '')}:${specifier}`
          : argument,
      );
    }
    // QuickTime files and MP4 know a track by its handler's name alone.
    if (stream.title !== null && (plan.muxer === 'mov' || plan.muxer === 'mp4')) {
      args.push(`-metadata:s:${specifier}`, `handler_name=${stream.title}`);
    }
    if (stream.type === 'cover') args.push(`-disposition:${specifier}`, 'attached_pic');
    if (stream.type === 'audio' || stream.type === 'subtitle') {
      const stale = stream.action === 'copy' ? [...STALE_TAGS, 'encoder'] : STALE_TAGS;
      for (const tag of stale) args.push(`-metadata:s:${specifier}`, `${tag}=`);
    }
  }
  return args;
}

function tagArguments(plan: AssemblePlan): string[] {
  const args: string[] = [];
  for (const [name, value] of Object.entries(plan.metadata)) args.push('-metadata', `${name}=${value}`);
  for (const [name, value] of Object.entries(plan.videoMetadata))
    args.push('-metadata:s:v:0', `${name}=${value}`);
  if (plan.timecode?.reel !== undefined && plan.timecode.reel !== null) {
    args.push('-metadata:s:v:0', `reel_name=${plan.timecode.reel}`);
  }
  args.push('-disposition:v:0', plan.videoDisposition.join('+'));
  return args;
}
