import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import readline from 'node:readline';
import { fileURLToPath } from 'node:url';
import { chromium, type Page } from 'playwright-core';
import { since, summarise } from './elapsed.ts';

/** How a page plays in a browser that runs on the same cores. */
export interface PageBench {
  /** Seconds from the command's start, and from the page's opening, to the first upscaled picture on it. */
  readonly firstPicture: { readonly sinceCommand: number; readonly sinceOpening: number };
  /** Seconds from a jump to the picture there: the middle and the longest one. */
  readonly seek: { readonly median: number; readonly most: number };
  /** Over `seconds` of playing: how often the picture waited for the server, and for how many seconds in all; frames that the browser left out. */
  readonly playing: {
    readonly seconds: number;
    readonly stalls: number;
    readonly stalledSeconds: number;
    readonly framesShown: number;
    readonly framesLeftOut: number;
  };
}

const CLI = fileURLToPath(new URL('../bin/upreel.js', import.meta.url));
const CHROMIUM = process.env['CHROMIUM'] ?? '/usr/bin/chromium';
const OPTIONS = ['--model', 'realtime', '--temporal', 'low', '--chroma', 'filter'];
const SEEKS = 10;
const PATIENCE = { timeout: 60_000 };

/** Opens the page of `upreel preview` of `clip`, jumps about and plays `seconds` of it. Null where there is no Chromium. */
export async function benchPreviewPage(clip: string, seconds: number): Promise<PageBench | null> {
  if (!existsSync(CHROMIUM)) return null;
  const browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: ['--no-sandbox', '--autoplay-policy=no-user-gesture-required'],
  });
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  const started = performance.now();
  const server = spawn(process.execPath, [CLI, 'preview', clip, ...OPTIONS, '--json', '--no-open'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const address = await readAddress(server);
    const opened = performance.now();
    await page.goto(address);
    await isDrawn(page);
    const firstPicture = { sinceCommand: since(started), sinceOpening: since(opened) };
    const playing = await play(page, seconds);
    return { firstPicture, playing, seek: await seekAbout(page, seconds) };
  } finally {
    const ended = once(server, 'exit');
    server.kill('SIGINT');
    await Promise.all([ended, browser.close()]);
  }
}

async function readAddress({ stdout }: ChildProcess): Promise<string> {
  if (stdout === null) throw new Error('The preview has no output.');
  for await (const line of readline.createInterface(stdout))
    return (JSON.parse(line) as { page: string }).page;
  throw new Error('The preview ended before it said where it is.');
}

async function isDrawn(page: Page): Promise<void> {
  await page.waitForFunction(
    () => document.querySelector<HTMLElement>('#canvas')?.dataset['frame'] !== undefined,
    null,
    { ...PATIENCE, polling: 20 },
  );
}

async function play(page: Page, seconds: number): Promise<PageBench['playing']> {
  await page.evaluate(() => {
    const video = document.querySelector('video');
    if (video === null) throw new Error('There is no video.');
    const stalls: { from: number; to: number }[] = [];
    Object.assign(window, { stalls });
    video.addEventListener('playing', () => {
      const last = stalls.at(-1);
      if (last !== undefined) last.to = Math.min(last.to, performance.now());
    });
    // Before it has begun to play it is the start that is waited for.
    video.addEventListener(
      'playing',
      () => {
        video.addEventListener('waiting', () =>
          stalls.push({ from: performance.now(), to: Number.POSITIVE_INFINITY }),
        );
      },
      { once: true },
    );
  });
  await page.keyboard.press(' ');
  await page.waitForFunction((end) => (document.querySelector('video')?.currentTime ?? 0) >= end, seconds, {
    timeout: (seconds * 4 + 60) * 1000,
    polling: 100,
  });
  await page.keyboard.press(' ');
  return page.evaluate((seconds) => {
    const { stalls } = window as unknown as { stalls: { from: number; to: number }[] };
    const quality = document.querySelector('video')?.getVideoPlaybackQuality();
    const stalled = stalls.reduce((sum, { from, to }) => sum + Math.min(to, performance.now()) - from, 0);
    return {
      seconds,
      stalls: stalls.length,
      stalledSeconds: stalled / 1000,
      framesShown: (quality?.totalVideoFrames ?? 0) - (quality?.droppedVideoFrames ?? 0),
      framesLeftOut: quality?.droppedVideoFrames ?? 0,
    };
  }, seconds);
}

/** Jumps forward and back over all of `[0, seconds)` and beyond what was played. */
async function seekAbout(page: Page, seconds: number): Promise<PageBench['seek']> {
  const times: number[] = [];
  // Other settings, so that nothing is there yet.
  await page.locator('#temporal').selectOption('off');
  for (let i = 0; i < SEEKS; i++) {
    const frame = Math.floor((((i * 17 + 5) % 29) / 29) * seconds * 25);
    const started = performance.now();
    await page.evaluate((at) => {
      const seek = document.querySelector<HTMLInputElement>('#seek');
      if (seek === null) return;
      seek.value = String(at);
      seek.dispatchEvent(new Event('input'));
    }, frame / 25);
    await page.waitForFunction(
      (wanted) => document.querySelector<HTMLElement>('#canvas')?.dataset['frame'] === String(wanted),
      frame,
      { ...PATIENCE, polling: 20 },
    );
    times.push(since(started));
  }
  return summarise(times);
}
