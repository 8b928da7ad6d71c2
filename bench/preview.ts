import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { resolveUpscaleOptions } from '../src/config/resolve-options.ts';
import { silentLogger } from '../src/core/logger.ts';
import type * as previewModule from '../src/preview/preview.ts';
import type { Variant } from '../src/preview/variant.ts';
import type { Viewer } from '../src/preview/viewers.ts';
import { tools } from './clips.ts';
import { since, summarise } from './elapsed.ts';
import { benchPreviewPage, type PageBench } from './preview-page.ts';

export interface PreviewBench {
  /** Seconds from opening the source to its first upscaled frames, which are made at once. */
  readonly firstPicture: number;
  /** Seconds from a seek to the segment, the middle and the longest one. */
  readonly seek: { readonly median: number; readonly most: number };
  /** Seconds from a seek until the lanes have left what was under way. */
  readonly cancel: { readonly median: number; readonly most: number };
  /** Video seconds a second, sustained, and how long the longest wait for a segment was after the start. */
  readonly sustained: { readonly speed: number; readonly longestStall: number };
  /** Segments upscaled for four viewers that watch the same `wanted` ones; those made ahead by then count too. */
  readonly fourViewers: { readonly made: number; readonly wanted: number };
  /** MiB of this process before and after all seeks; processes of ffmpeg left at the end. */
  readonly memory: { readonly before: number; readonly after: number };
  readonly orphans: number;
  /** The page in a browser, which takes its own share of the machine; null where there is none. */
  readonly page: PageBench | null;
}

const SEEKS = 30;

/** As users run it: lanes that start from TypeScript take longer. */
const { Preview: BuiltPreview } = (await import(
  new URL('../dist/preview/preview.js', import.meta.url).href
)) as typeof previewModule;
type Preview = previewModule.Preview;

/** Measures the preview of 720x576 at 25 with sound by the `realtime` model, temporal low, as a player that takes segments as they come. */
export async function benchPreview(folder: string, seconds: number): Promise<PreviewBench> {
  const clip = await makeTape(folder, seconds + 5);
  return { ...(await benchWorkbench(clip, seconds)), page: await benchPreviewPage(clip, seconds) };
}

async function makeTape(folder: string, seconds: number): Promise<string> {
  const clip = path.join(folder, 'tape.mov');
  const sources = ['testsrc2=s=720x576:r=25', 'sine=440:r=48000'].flatMap((from) => [
    '-f',
    'lavfi',
    '-i',
    from,
  ]);
  const filters = 'gblur=1,noise=alls=3:allf=t,setsar=16/15';
  const codecs = ['-c:v', 'mjpeg', '-q:v', '3', '-pix_fmt', 'yuvj420p', '-c:a', 'pcm_s16le'];
  await promisify(execFile)(tools.ffmpeg, [
    ...['-v', 'error', '-y', ...sources, '-t', String(seconds), '-vf', filters, ...codecs, clip],
  ]);
  return clip;
}

async function benchWorkbench(clip: string, seconds: number): Promise<Omit<PreviewBench, 'page'>> {
  const started = performance.now();
  const upscale = resolveUpscaleOptions({ model: 'realtime', temporal: 'low', chroma: 'filter' });
  const preview = await BuiltPreview.open(clip, { upscale, cacheBytes: 4e9, logger: silentLogger });
  try {
    const variant = await preview.variantOf(preview.defaults);
    const viewer = preview.viewers.add();
    await timeTake(preview, viewer, variant, 0);
    const firstPicture = since(started);
    const sustained = await play(preview, viewer, variant, seconds);
    viewer.leave();
    const before = readMemory();
    const { seek, cancel } = await seekAbout(preview, variant);
    const after = readMemory();
    const fourViewers = await watchByFour(preview);
    await preview.sound?.take(0);
    return {
      firstPicture,
      seek,
      cancel,
      sustained,
      fourViewers,
      memory: { before, after },
      orphans: await countOrphans(preview),
    };
  } finally {
    await preview.close();
  }
}

/** Takes segments as fast as they come, which a player's buffer allows until it is full; it plays from when it has the second one. */
async function play(
  preview: Preview,
  viewer: Viewer,
  variant: Variant,
  seconds: number,
): Promise<PreviewBench['sustained']> {
  const [, second, ...rest] = variant.grid.segments;
  const asked = performance.now();
  if (second !== undefined) await timeTake(preview, viewer, variant, second.index);
  const started = performance.now();
  let longestStall = 0;
  let played = second?.duration ?? 0;
  for (const { index, start, duration } of rest) {
    if (start >= seconds) break;
    await timeTake(preview, viewer, variant, index);
    longestStall = Math.max(longestStall, since(started) - start);
    played += duration;
  }
  return { speed: played / since(asked), longestStall };
}

/** Seeks into a variant of which nothing is there yet, each time while the last work is under way. */
async function seekAbout(
  preview: Preview,
  { grid }: Variant,
): Promise<Pick<PreviewBench, 'seek' | 'cancel'>> {
  const other = await preview.variantOf({ ...preview.defaults, temporal: 'off' });
  const viewer = preview.viewers.add();
  const seeks: number[] = [];
  const cancels: number[] = [];
  for (let i = 0; i < SEEKS; i++) {
    const index = (i * 17 + 5) % grid.segments.length;
    seeks.push(await timeTake(preview, viewer, other, index));
    // What is made ahead by now is given up.
    await new Promise((resolve) => setTimeout(resolve, 150));
    const left = performance.now();
    viewer.leave();
    preview.workbench.reconcile();
    while (preview.workbench.counts.busyLanes > 0) await new Promise((resolve) => setTimeout(resolve, 2));
    cancels.push(since(left));
  }
  return { seek: summarise(seeks), cancel: summarise(cancels) };
}

async function watchByFour(preview: Preview): Promise<PreviewBench['fourViewers']> {
  const before = preview.workbench.counts.made;
  // Makes the first one.
  const variant = await preview.variantOf({ ...preview.defaults, temporal: 'medium' });
  const viewers = Array.from({ length: 4 }, () => preview.viewers.add());
  const wanted = 4;
  for (let index = 0; index < wanted; index++) {
    await Promise.all(viewers.map((viewer) => timeTake(preview, viewer, variant, index)));
  }
  const { made } = preview.workbench.counts;
  viewers.forEach((viewer) => viewer.leave());
  preview.workbench.reconcile();
  return { made: made - before, wanted };
}

async function timeTake(preview: Preview, viewer: Viewer, variant: Variant, index: number): Promise<number> {
  const started = performance.now();
  await preview.workbench.take(viewer, variant, index, new AbortController().signal);
  return since(started);
}

async function countOrphans(preview: Preview): Promise<number> {
  while (preview.workbench.counts.busyLanes > 0) await new Promise((resolve) => setTimeout(resolve, 10));
  const { stdout } = await promisify(execFile)('ps', ['--ppid', String(process.pid), '-o', 'comm=']);
  return stdout.split('\n').filter((name) => name.startsWith('ffmpeg')).length;
}

function readMemory(): number {
  return Math.round(process.memoryUsage.rss() / 2 ** 20);
}
