import { isHdrTransfer, type Color, type HdrMetadata } from '../core/color.ts';
import { UpscaleError } from '../core/errors.ts';
import type { Decision, Notice } from '../core/notice.ts';
import { pixelFormat } from '../core/pixel-format.ts';
import { rational, toNumber, type Rational } from '../core/rational.ts';
import { beginsAtZero } from '../core/container-clock.ts';
import type { Capabilities } from '../ffmpeg/capabilities.ts';
import { toMicroseconds } from './concat-list.ts';
import { containerFor, type Container } from './containers.ts';
import { buildEncoderArguments } from './encoder-arguments.ts';
import { estimateEncoderMemory } from './encoder-memory.ts';
import type { AssemblePlan, EncodePlan } from './encode-plan.ts';
import type { EncodeRange, EncodeSource } from './encode-source.ts';
import { AUDIO_CODECS, planStreams } from './plan-streams.ts';
import { findProfile, type EncoderProfile } from './profiles.ts';
import { planTimecode } from './plan-timecode.ts';
import { trackClock } from './track-clock.ts';

export interface PlanEncodeOptions {
  readonly profile: string;
  /** Absolute path, picture pattern, or `-`. */
  readonly outputPath: string;
  /** Working format of the frames (see `outputFormatFor`). */
  readonly workFormat: string;
  readonly width: number;
  readonly height: number;
  /** Of the frames; nothing unknown. */
  readonly color: Color;
  readonly hdr: HdrMetadata;
  readonly timeBase: Rational;
  readonly frameRate: Rational | null;
  readonly framesPerInput: 1 | 2;
  readonly crf?: number | undefined;
  readonly preset?: string | undefined;
  readonly extraArguments?: readonly string[] | undefined;
  readonly source: EncodeSource;
  readonly copyTimestamps: boolean;
  readonly clockStreams: readonly number[];
  /** Frames that are taken; all when left out. */
  readonly range?: EncodeRange | null | undefined;
  readonly audio: string;
  readonly capabilities: Pick<Capabilities, 'encoders'>;
  readonly overwrite: boolean;
  /** Threads that one encoder may use; 0 leaves it to the encoder. */
  readonly threads: number;
}

export interface PlannedEncode {
  readonly encode: EncodePlan;
  readonly assemble: AssemblePlan;
  readonly decisions: Decision[];
  readonly notices: Notice[];
  readonly estimate: { readonly bytesPerSecond: number; readonly encoderMemoryBytes: number };
}

/**
 * Decides how frames become a file, and refuses now what would fail at the end. Pure.
 * Throws `CONTAINER_MISFIT`, `ENCODER_UNAVAILABLE`, `ENCODER_LIMIT` and `USAGE`.
 */
export function planEncode(options: PlanEncodeOptions): PlannedEncode {
  const { source, width, height, frameRate, range = null } = options;
  const profile = findProfile(options.profile);
  const container = containerFor(options.outputPath);
  checkFit(profile, container, options);
  const encoder = chooseAvailable(profile, options.capabilities);
  checkLimits(profile, encoder, options);
  const built = buildEncoderArguments({
    profile,
    encoder,
    inputFormat: options.workFormat,
    width,
    height,
    color: options.color,
    hdr: options.hdr,
    frameRate,
    crf: options.crf ?? null,
    preset: options.preset ?? null,
    threads: options.threads,
    extra: options.extraArguments ?? [],
  });
  const { streams, notices } = planStreams(source, container, options.audio, range !== null);
  const timecode = planTimecode(
    source,
    container,
    { frameRate, framesPerInput: options.framesPerInput },
    range?.first ?? null,
  );
  notices.push(...timecode.notices, ...describeLosses(profile, encoder, options));
  const rate = frameRate === null ? 25 : toNumber(frameRate);
  const quality = options.crf ?? profile.defaultCrf;
  // Every six steps of crf halve the size.
  const crfFactor =
    quality === null || profile.defaultCrf === null ? 1 : 2 ** ((profile.defaultCrf - quality) / 6);
  return {
    encode: {
      profile: profile.name,
      encoder,
      inputFormat: options.workFormat,
      pixelFormat: built.pixelFormat,
      width,
      height,
      sampleAspectRatio: { num: 1, den: 1 },
      color: built.color,
      hdr: options.hdr,
      timeBase: options.timeBase,
      frameRate,
      variableFrameRate: source.video.scan.variableFrameRate || source.discontinuous,
      filters: [...built.filters],
      encoderArguments: [...built.arguments],
      ...segmentForm(profile, container, pixelFormat(options.workFormat).hasAlpha),
    },
    assemble: {
      path: options.outputPath,
      muxer: container.muxer,
      muxerArguments: muxerArguments(container, encoder, options, timecode.timecode !== null),
      overwrite: options.overwrite,
      source: {
        path: source.path,
        inputOptions: [...source.inputOptions],
        startTime: options.copyTimestamps ? (source.container.startTime ?? 0) : 0,
        clockStreams: [...options.clockStreams],
        part: range === null ? null : findPart(range, options),
      },
      originTicks: range?.firstPts ?? originTicks(source, options),
      timeBase: options.timeBase,
      streams,
      chapters: container.chapters && source.chapters.length > 0,
      metadata: { ...EMPTY_TAGS, ...timecode.metadata },
      videoMetadata: { ...(source.video.language === null ? {} : { language: source.video.language }) },
      videoDisposition: ['default'],
      timecode: timecode.timecode,
    },
    decisions: [
      {
        topic: 'encoder',
        choice: `${profile.title}${quality === null ? '' : `, crf ${String(quality)}`}${(options.preset ?? profile.defaultPreset) === null ? '' : `, preset ${options.preset ?? profile.defaultPreset ?? ''}`}`,
        reason: `${built.pixelFormat} by ${encoder}, into ${container.muxer}`,
      },
    ],
    notices,
    estimate: {
      bytesPerSecond:
        (width * height * rate * profile.bitsPerPixel * crfFactor) / 8 + 40_000 * source.others.length,
      encoderMemoryBytes: estimateEncoderMemory({
        encoder,
        format: options.workFormat,
        width,
        height,
        threads: options.threads,
      }),
    },
  };
}

/** Tags of the source's container that would be lies in another one. */
const EMPTY_TAGS: Readonly<Record<string, string>> = {
  major_brand: '',
  minor_version: '',
  compatible_brands: '',
  encoder: '',
  DURATION: '',
};

function checkFit(
  profile: EncoderProfile,
  container: Container,
  { outputPath, audio, source }: PlanEncodeOptions,
): void {
  if (!profile.muxers.includes(container.muxer)) {
    throw new UpscaleError(
      'CONTAINER_MISFIT',
      `${profile.name} does not fit into ${outputPath === '-' ? 'a stream' : outputPath} (${container.muxer}).`,
      {
        hint: `Name the output .${profile.extension}, or choose another --encoder.`,
      },
    );
  }
  if (audio !== 'copy' && audio !== 'none') {
    if (!AUDIO_CODECS.includes(audio)) {
      throw new UpscaleError('USAGE', `There is no audio codec ${audio}.`, {
        hint: `Use copy, none, ${AUDIO_CODECS.join(', ')}.`,
      });
    }
    const codec = audio === 'pcm' ? 'pcm_s16le' : audio;
    const holds = container.audio.includes(audio) || container.audio.includes(codec);
    if (!holds && container.audioFallback !== null && source.others.some(({ type }) => type === 'audio')) {
      throw new UpscaleError('CONTAINER_MISFIT', `${container.muxer} does not hold ${audio} sound.`, {
        hint: `Use --audio copy, or one of ${container.audio.join(', ')}.`,
      });
    }
  }
  const single = container.muxer === 'image2' && !/%(0\d+)?d/.test(outputPath);
  if (single && source.video.scan.frames > 1) {
    throw new UpscaleError(
      'CONTAINER_MISFIT',
      `${outputPath} is one picture, and the source has ${String(source.video.scan.frames)} frames.`,
      {
        hint: 'Name a numbered sequence, for example shot.%04d.png.',
      },
    );
  }
}

function chooseAvailable(profile: EncoderProfile, capabilities: Pick<Capabilities, 'encoders'>): string {
  const encoder = profile.encoders.find((name) => capabilities.encoders.has(name));
  if (encoder !== undefined) return encoder;
  throw new UpscaleError(
    'ENCODER_UNAVAILABLE',
    `The ffmpeg in use has no encoder for ${profile.name} (${profile.encoders.join(', ')}).`,
    {
      hint: 'Choose another --encoder, or another ffmpeg with --ffmpeg PATH; `upreel doctor` shows what each can do.',
    },
  );
}

/** What the codecs cannot do by their standards. */
function checkLimits(profile: EncoderProfile, encoder: string, { width, height }: PlanEncodeOptions): void {
  const refuse = (limit: string, hint: string): never => {
    throw new UpscaleError(
      'ENCODER_LIMIT',
      `${encoder} cannot make ${String(width)}x${String(height)}: ${limit}.`,
      { hint },
    );
  };
  if (encoder.startsWith('h264_') && (width > 4096 || height > 4096)) {
    refuse('hardware H.264 ends at 4096 pixels a side', 'Use --encoder h265, or hardware H.265.');
  }
  if (encoder.startsWith('hevc_') && (width > 8192 || height > 8192))
    refuse('8192 pixels a side is its limit', 'Ask for a smaller size.');
  // H.264 level 6.2 (ITU-T H.264 table A-1): 139264 macroblocks, 16880 pixels a side.
  if (encoder === 'libx264' && Math.ceil(width / 16) * Math.ceil(height / 16) > 139_264) {
    refuse('level 6.2 of H.264 ends at 139264 macroblocks', 'Use --encoder h265 or av1.');
  }
  if (profile.name.startsWith('dnxhr') && (width < 256 || height < 120))
    refuse('DNxHR begins at 256x120', 'Use --encoder prores.');
}

function segmentForm(
  profile: EncoderProfile,
  container: Container,
  hasAlpha: boolean,
): Pick<EncodePlan, 'segmentContainer' | 'segmentExtension'> {
  if (container.muxer === 'image2')
    return { segmentContainer: 'image2', segmentExtension: profile.extension };
  // WebM keeps VP9's alpha beside the picture's packets, which QuickTime cannot.
  if (profile.name === 'vp9' && hasAlpha) return { segmentContainer: 'matroska', segmentExtension: 'webm' };
  if (profile.name === 'vp9' || profile.name.startsWith('av1'))
    return { segmentContainer: 'mp4', segmentExtension: 'mp4' };
  if (profile.name === 'ffv1') return { segmentContainer: 'nut', segmentExtension: 'nut' };
  return { segmentContainer: 'mov', segmentExtension: 'mov' };
}

function muxerArguments(
  container: Container,
  encoder: string,
  options: PlanEncodeOptions,
  hasTimecode: boolean,
): string[] {
  if (container.muxer === 'image2') {
    const first =
      options.source.kind === 'image-sequence' ? (options.source.inputOptions.at(-1) ?? '1') : '1';
    return ['-start_number', first];
  }
  if (container.muxer === 'mp4' || container.muxer === 'mov') {
    const flags =
      options.outputPath === '-' ? '+frag_keyframe+empty_moov+write_colr' : '+faststart+write_colr';
    const hevc = /265|hevc/.test(encoder);
    const clock = trackClock(options.timeBase, { frameRate: options.frameRate, hasTimecode });
    return [
      ...['-movflags', flags, '-video_track_timescale', String(clock)],
      ...(hevc ? ['-tag:v:0', 'hvc1'] : []),
      // AV1, Opus and FLAC in MP4 were experimental once.
      ...(container.muxer === 'mp4' ? ['-strict', 'experimental'] : []),
    ];
  }
  return [];
}

/** ffmpeg counts the place that it enters a file at from the file's start. */
function findPart(
  { firstPts, seconds }: EncodeRange,
  { source, timeBase }: PlanEncodeOptions,
): NonNullable<AssemblePlan['source']['part']> {
  const start =
    Number(toMicroseconds(firstPts, timeBase)) - Math.round((source.container.startTime ?? 0) * 1e6);
  return { start: Math.max(0, start), length: Math.round(toNumber(seconds) * 1e6) };
}

/**
 * Containers whose clock starts at zero by definition keep their times; those with a clock of their own (transport streams, tapes) start
 * at their earliest stream. Null: at the first frame, for raw streams that carry no times.
 */
function originTicks(source: EncodeSource, { timeBase, copyTimestamps }: PlanEncodeOptions): number | null {
  if (!copyTimestamps) return 0;
  if (source.video.scan.firstPts === null || source.container.startTime === null) return null;
  if (beginsAtZero(source.container.format) || source.kind !== 'file') return 0;
  return Math.round(source.container.startTime / toNumber(rational(timeBase.num, timeBase.den)));
}

function describeLosses(profile: EncoderProfile, encoder: string, options: PlanEncodeOptions): Notice[] {
  const notices: Notice[] = [];
  const warn = (code: string, message: string): void =>
    void notices.push({ level: 'warning', code, message });
  const { source, hdr, workFormat, color } = options;
  if (source.video.hasAlpha && !pixelFormat(workFormat).hasAlpha) {
    warn(
      'alpha-dropped',
      `The source has transparency, which ${profile.name} cannot hold; it is left out. ProRes 4444, VP9 in .webm, FFV1 and PNG keep it.`,
    );
  }
  if (source.video.bits > pixelFormat(workFormat).bits) {
    warn(
      'depth-reduced',
      `The source has ${String(source.video.bits)} bits; ${profile.name} holds ${String(pixelFormat(workFormat).bits)}.`,
    );
  }
  if (hdr.dolbyVisionProfile !== undefined) {
    warn(
      'dolby-vision-dropped',
      hdr.dolbyVisionProfile === 5
        ? 'The source is Dolby Vision profile 5, whose colours only its metadata explains; without it they are wrong. Upscale another version.'
        : 'Dolby Vision metadata is not carried over; the HDR10 base layer is.',
    );
  }
  if (encoder === 'dnxhd' && color.matrix !== 'bt709' && color.matrix !== 'gbr') {
    warn(
      'matrix-converted',
      `DNxHR is BT.709 by its decoders; the ${color.matrix} matrix is converted to it. The colours stay the same.`,
    );
  }
  if (encoder.startsWith('prores') && color.range === 'pc') {
    warn('range-converted', 'ProRes has limited range only; full range is converted to it.');
  }
  const carries = encoder === 'libx265';
  if (
    isHdrTransfer(color.transfer) &&
    (hdr.mastering !== undefined || hdr.contentLight !== undefined) &&
    !carries
  ) {
    warn(
      'hdr-metadata-dropped',
      `${encoder} does not write mastering and light level metadata; colours stay right. --encoder h265 keeps it.`,
    );
  }
  return notices;
}
