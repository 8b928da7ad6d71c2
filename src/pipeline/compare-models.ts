import { mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { UpscaleOptions } from '../config/upscale-options.ts';
import { throwIfAborted, UpscaleError } from '../core/errors.ts';
import { silentLogger, type Logger } from '../core/logger.ts';
import { pipeBytes } from '../ffmpeg/pipe-bytes.ts';
import { checkCrop, chooseCrop, formatCrop, type Crop } from './choose-crop.ts';
import { LanePool } from './lane-pool.ts';
import { locateFrame, type LocatedFrame, type LocateOptions } from './locate-frame.ts';
import type { Plan } from './plan-schema.ts';
import { prepare, type Prepared } from './prepare.ts';
import { renderFrames } from './render-frames.ts';
import { drawSheet, encodePng, type RgbPicture } from './sheet.ts';

export interface CompareOptions {
  /** As for a run; `model`, `encoder`, `output` and `audio` are set here. */
  readonly upscale: UpscaleOptions;
  /** Names or paths, in the order in which they are shown. */
  readonly models: readonly string[];
  /** Seconds after the source's first frame, one at least. */
  readonly times: readonly number[];
  /** In pixels of the source's picture as shown, or all of it. @defaultValue where there is most detail in the first frame */
  readonly crop?: Crop | 'whole' | undefined;
  /** Whether the source's own pixels and Lanczos are shown first. @defaultValue true */
  readonly withBaselines?: boolean | undefined;
  /** Pixels of the sheet for each pixel of the results, across and down. */
  readonly zoom: number;
  readonly signal?: AbortSignal | undefined;
  readonly logger?: Logger | undefined;
  /** Called with the label of what is drawn next. */
  readonly onStep?: ((label: string) => void) | undefined;
}

/** A sheet and what it shows. */
export interface Comparison {
  /** A PNG file. */
  readonly png: Uint8Array;
  readonly width: number;
  readonly height: number;
  readonly crop: Crop;
  readonly frames: readonly LocatedFrame[];
  /** From left to right. */
  readonly columns: readonly { readonly label: string; readonly model: string; readonly device: string }[];
}

/** One model and what it made of the frames. */
interface Column {
  readonly label: string;
  readonly model: string;
  readonly device: string;
  readonly plan: Plan;
  /** A picture for each frame. */
  readonly files: readonly string[];
}

/** The source as it is, each of its pixels enlarged, and what any player would make of it. */
const BASELINES: readonly Pick<Column, 'label' | 'model'>[] = [
  { label: 'source (nearest)', model: 'nearest' },
  { label: 'lanczos', model: 'lanczos' },
];

/**
 * Upscales single frames of `input` by several models, each through the same plan and lanes as a whole run, and lays a part of each side by
 * side, after the source and Lanczos.
 *
 * @throws UpscaleError whatever `upscale` throws before its output is written; `USAGE` for times and crops outside of the source
 */
export async function compareModels(input: string, options: CompareOptions): Promise<Comparison> {
  const { times, zoom, signal } = options;
  const work = await mkdtemp(path.join(os.tmpdir(), 'upreel-compare-'));
  const pool = new LanePool(1);
  try {
    const drawn = await drawColumns(input, { ...options, work, pool });
    const { frames, columns, locate } = drawn;
    const { plan, files } = columns.find(({ model }) => model === 'lanczos') ?? columns[0];
    const { displayWidth, displayHeight, magnification } = plan.geometry;
    const whole = { x: 0, y: 0, width: displayWidth, height: displayHeight };
    const crop =
      options.crop === 'whole' ? whole : (options.crop ?? (await findDetail(files[0] ?? '', plan, locate)));
    checkCrop(crop, { width: displayWidth, height: displayHeight });
    const rows = await Promise.all(
      frames.map(({ seconds }, row) =>
        Promise.all(
          columns.map(async (column) => ({
            label: times.length > 1 ? `${column.label} at ${formatSeconds(seconds)}` : column.label,
            picture: await cutOut(column.files[row] ?? '', crop, column.plan, { ...locate, zoom }),
          })),
        ),
      ),
    );
    const moments = frames.map(({ seconds }) => formatSeconds(seconds)).join(', ');
    const factor = String(Number(magnification.toFixed(2)));
    const sheet = drawSheet(
      `${path.basename(input)} at ${moments}: ${formatCrop(crop)} of ${displayWidth}x${displayHeight}, ${factor} times, zoom ${zoom}`,
      rows,
    );
    return {
      png: await encodePng(sheet, { tools: locate.tools, signal }),
      width: sheet.width,
      height: sheet.height,
      crop,
      frames,
      columns: columns.map(({ label, model, device }) => ({ label, model, device })),
    };
  } finally {
    await pool.close();
    await rm(work, { recursive: true, force: true });
  }
}

interface DrawOptions extends CompareOptions {
  readonly work: string;
  readonly pool: LanePool;
}

function listColumns(models: readonly string[], withBaselines: boolean): Pick<Column, 'label' | 'model'>[] {
  const first = withBaselines ? BASELINES : [];
  const own = [...new Set(models)].filter((model) => !first.some((baseline) => baseline.model === model));
  return [
    ...first,
    ...own.map(
      (model) =>
        BASELINES.find((baseline) => baseline.model === model) ?? { model, label: path.basename(model) },
    ),
  ];
}

/** Runs all models, one after another, once all are known to be right; the source is probed and its frames are found once. */
async function drawColumns(
  input: string,
  options: DrawOptions,
): Promise<{ frames: LocatedFrame[]; columns: [Column, ...Column[]]; locate: LocateOptions }> {
  const { models, times, work, signal, logger = silentLogger, onStep } = options;
  const planned: (Pick<Column, 'label' | 'model' | 'plan'> & Pick<Prepared, 'tools'>)[] = [];
  let source: Plan['source'] | undefined;
  for (const { label, model } of listColumns(models, options.withBaselines ?? true)) {
    throwIfAborted(signal);
    const upscale = {
      ...options.upscale,
      model,
      encoder: 'png',
      output: path.join(work, '%d.png'),
      audio: 'none',
    };
    const prepared = await prepare(input, upscale, { signal, logger, source });
    source = prepared.source;
    planned.push({ label, model, plan: prepared.plan, tools: prepared.tools });
  }
  const [reference] = planned;
  if (reference === undefined) throw new UpscaleError('INTERNAL', 'Nothing was to be drawn.');
  const locate = { tools: reference.tools, signal, logger };
  const frames: LocatedFrame[] = [];
  for (const time of times) frames.push(await locateFrame(reference.plan, time, locate));
  const draw = async ({ label, model, plan }: (typeof planned)[number]): Promise<Column> => {
    throwIfAborted(signal);
    onStep?.(label);
    const directory = await mkdtemp(path.join(work, 'column-'));
    const rendered = await renderFrames(plan, frames, directory, { pool: options.pool, ...locate });
    return { label, model, plan, ...rendered };
  };
  const columns: [Column, ...Column[]] = [await draw(reference)];
  for (const other of planned.slice(1)) columns.push(await draw(other));
  return { frames, columns, locate };
}

async function findDetail(file: string, { geometry }: Plan, { tools, signal }: LocateOptions): Promise<Crop> {
  const { displayWidth: width, displayHeight: height } = geometry;
  const luma = await pipeBytes(tools, await readFile(file), {
    input: ['-f', 'png_pipe'],
    output: ['-vf', `scale=${width}:${height}:flags=area`, '-f', 'rawvideo', '-pix_fmt', 'gray'],
    what: 'looking for detail',
    signal,
  });
  return chooseCrop(luma, { width, height });
}

/** The crop of an enlarged picture, its pixels repeated. */
async function cutOut(
  file: string,
  crop: Crop,
  { geometry }: Plan,
  { tools, signal, zoom }: LocateOptions & { readonly zoom: number },
): Promise<RgbPicture> {
  const across = geometry.width / geometry.displayWidth;
  const down = geometry.height / geometry.displayHeight;
  const [width, height] = [Math.floor(crop.width * across), Math.floor(crop.height * down)];
  const place = `${Math.floor(crop.x * across)}:${Math.floor(crop.y * down)}`;
  const pixels = await pipeBytes(tools, await readFile(file), {
    input: ['-f', 'png_pipe'],
    output: [
      '-vf',
      `format=rgb24,crop=${width}:${height}:${place},scale=${width * zoom}:${height * zoom}:flags=neighbor`,
      ...['-f', 'rawvideo', '-pix_fmt', 'rgb24'],
    ],
    what: 'cutting out a picture',
    signal,
  });
  return { width: width * zoom, height: height * zoom, pixels };
}

/** `7.52 s`. */
function formatSeconds(seconds: number): string {
  return `${String(Number(seconds.toFixed(3)))} s`;
}
