import path from 'node:path';
import { resolveUpscaleOptions, type UpscaleRequest } from '../../config/resolve-options.ts';
import { UpscaleError } from '../../core/errors.ts';
import { silentLogger, type Logger } from '../../core/logger.ts';
import { probe } from '../../decode/probe.ts';
import type { Source } from '../../decode/source.ts';
import { findProfile } from '../../encode/profiles.ts';
import { findTools } from '../../ffmpeg/tools.ts';
import { hasEvenFrames } from '../../pipeline/frame-range.ts';
import { resolveOutput } from '../../pipeline/output-path.ts';
import type { Plan } from '../../pipeline/plan-schema.ts';
import { prepare } from '../../pipeline/prepare.ts';
import { chooseTargetSize } from '../../pipeline/target-size.ts';
import { findMediaFiles } from './find-media.ts';
import { mergeUses, type FrameSpan } from './merge-uses.ts';
import { toMediaFacts } from './read-facts.ts';
import { readTimeline } from './read-timeline.ts';
import type { MediaFacts, Piece, Timeline } from './timeline.ts';

export interface ConformOptions {
  /** How pieces are upscaled; `scale` or `to` is the sequence's, `output` the new timeline. */
  readonly request: UpscaleRequest;
  /** Frames of the media that are upscaled beyond each end of what is shown. */
  readonly handles: number;
  /** Folders to look for media in. */
  readonly folders: readonly string[];
  readonly signal?: AbortSignal | undefined;
  readonly logger?: Logger | undefined;
}

/** A piece and how it is made. */
export interface PlannedPiece {
  readonly piece: Piece;
  readonly request: UpscaleRequest;
  readonly plan: Plan;
}

/** All that conforming a timeline will do. */
export interface ConformPlan {
  readonly timeline: Timeline;
  /** Absolute path of the new timeline. */
  readonly output: string;
  readonly mediaFolder: string;
  /** New size of the sequence; null where the format has none. */
  readonly size: { readonly width: number; readonly height: number } | null;
  readonly facts: ReadonlyMap<string, MediaFacts>;
  readonly pieces: readonly PlannedPiece[];
  /** Media that stay as they are, each with the reason. */
  readonly left: readonly string[];
}

/** Reads a timeline, finds its media and decides which of their frames are upscaled, to what; writes nothing. */
export async function planConform(file: string, options: ConformOptions): Promise<ConformPlan> {
  const { signal, logger = silentLogger, handles } = options;
  const { output: asked, scale, to, ...request } = { preset: 'mezzanine', ...options.request };
  const upscale = resolveUpscaleOptions(options.request);
  const timeline = await readTimeline(file);
  const folder = path.dirname(path.resolve(file));
  const output = resolveOutput(asked, file, nameTimeline(file));
  if (output === path.resolve(file)) {
    throw new UpscaleError('OUTPUT_IS_SOURCE', `The new timeline would replace ${file}.`, {
      hint: 'Give another name with -o PATH.',
    });
  }
  const size = timeline.size === null ? null : chooseTargetSize(timeline.size, { scale, to });
  if (size !== null && size.magnification <= 1) {
    throw new UpscaleError('USAGE', `The sequence is ${describeSize(timeline.size)} already.`, {
      hint: 'Ask for a larger size, such as --to 8k.',
    });
  }
  const files = await findMediaFiles(timeline.media, { folder, folders: options.folders });
  const tools = await findTools({
    ...(upscale.ffmpeg === undefined ? {} : { ffmpeg: upscale.ffmpeg }),
    ...(upscale.ffprobe === undefined ? {} : { ffprobe: upscale.ffprobe }),
  });
  const sources = new Map<string, Source>();
  const facts = new Map<string, MediaFacts>();
  const left: string[] = [];
  for (const [written, found] of files) {
    const source =
      sources.get(found) ??
      (await probe(found, { tools, logger, ...(signal === undefined ? {} : { signal }) }).catch(
        (error: unknown) => {
          const { code } = UpscaleError.from(error);
          if (code !== 'SOURCE_NO_VIDEO') throw error;
          return null;
        },
      ));
    const known = source === null ? null : toMediaFacts(source);
    if (source === null || known === null) {
      left.push(
        `${found} stays as it is: ${source === null ? 'it has no picture' : 'it is a still picture'}.`,
      );
      continue;
    }
    const goal = size === null ? { scale, to } : { scale: undefined, to: `${size.width}x${size.height}` };
    const display = { width: known.displayWidth, height: known.displayHeight };
    if (chooseTargetSize(display, goal).magnification <= 1) {
      left.push(`${found} stays as it is: it is ${describeSize(display)} already.`);
      continue;
    }
    sources.set(found, source);
    facts.set(written, known);
  }
  const uncut = new Set([...sources].filter(([, source]) => !hasEvenFrames(source)).map(([found]) => found));
  const spans = mergeUses(timeline.listUses(facts), facts, { handles, uncut });
  const mediaFolder = path.join(path.dirname(output), `${path.parse(output).name}.media`);
  const extension = findProfile(resolveUpscaleOptions(request).encoder).extension;
  const names = nameFiles(spans, extension);
  const pieces: PlannedPiece[] = [];
  for (const [index, span] of spans.entries()) {
    const source = sources.get(span.source.path);
    if (source === undefined) continue;
    const whole = span.first === 0 && span.end === span.source.frames;
    const pieceRequest: UpscaleRequest = {
      ...request,
      ...(size === null ? { scale, to } : { to: `${size.width}x${size.height}` }),
      // One frame each, so that the frames keep their numbers.
      deinterlace: request.deinterlace ?? (/^[tb]ff$/.test(source.video.fields.found) ? 'frame' : 'auto'),
      ...(whole ? {} : { frames: `${span.first}:${span.end}` }),
      output: path.join(mediaFolder, names[index] ?? ''),
    };
    const { plan } = await prepare(span.source.path, resolveUpscaleOptions(pieceRequest), {
      signal,
      logger,
      source,
    });
    const { width, height } = plan.geometry;
    const keepsColor = plan.encode.color.matrix === plan.infer.input.color.matrix;
    pieces.push({
      piece: { ...span, path: plan.assemble.path, width, height, keepsColor },
      request: pieceRequest,
      plan,
    });
  }
  return { timeline, output, mediaFolder, size, facts, pieces, left };
}

function describeSize(size: { readonly width: number; readonly height: number } | null): string {
  return size === null ? 'of no size' : `${size.width}x${size.height}`;
}

function nameTimeline(file: string): string {
  const { name, ext } = path.parse(file);
  return `${name}.upreel${/^\.fcpxmld$/i.test(ext) ? '.fcpxml' : ext}`;
}

/** Editors relink by name: a piece is called as its source, with the number of its first frame where there are several. */
function nameFiles(spans: readonly FrameSpan[], extension: string): string[] {
  const taken = new Set<string>();
  return spans.map(({ source, first }) => {
    const { name } = path.parse(source.path);
    const several = spans.filter((other) => other.source.path === source.path).length > 1;
    const base = several ? `${name}.${String(first)}` : name;
    for (let number = 1; ; number++) {
      const candidate = `${base}${number === 1 ? '' : `-${String(number)}`}.${extension}`;
      if (taken.has(candidate.toLowerCase())) continue;
      taken.add(candidate.toLowerCase());
      return candidate;
    }
  });
}
