import { access } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { findToolSets } from '../ffmpeg/tool-sets.ts';
import { makeFolder } from '../pipeline/clip-fixture.ts';
import { CLIP, makeNumberedClip, readNumber } from './numbered-clip.ts';
import { servePreview, type RunningPreview } from './preview-fixture.ts';

const CHROMIUM = await findChromium();
if (CHROMIUM === null) console.warn('Skipped: the page needs Chromium, which is not installed.');

const FRAMES = 170;
const WAIT = { timeout: 60_000 };
/** Everything upscaled is made here and now. */
const PATIENCE = 400_000;

describe.skipIf(CHROMIUM === null)('the page in Chromium', { timeout: PATIENCE }, () => {
  let folder: Awaited<ReturnType<typeof makeFolder>>;
  let running: RunningPreview;
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  let complaints: string[];

  beforeAll(async () => {
    folder = await makeFolder();
    makeNumberedClip(folder.path('numbered.mov'), FRAMES, [
      '-c:v',
      'mjpeg',
      '-q:v',
      '2',
      '-c:a',
      'pcm_s16le',
    ]);
    // The one that starts in less time: each place that is jumped to starts it anew.
    const ffmpeg = (await findToolSets())[0]?.[1].ffmpeg;
    running = await servePreview(folder.path('numbered.mov'), { scale: 2, model: 'realtime', ffmpeg });
    browser = await chromium.launch({
      executablePath: CHROMIUM ?? '',
      args: ['--no-sandbox', '--autoplay-policy=no-user-gesture-required'],
    });
  });
  afterAll(async () => {
    await browser.close();
    await running.close();
    await folder.remove();
  });

  beforeEach(async () => {
    context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
    page = await context.newPage();
    complaints = [];
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(error.message));
    await page.goto(running.server.pageUrl);
    await page.waitForFunction(
      () => document.querySelector<HTMLElement>('#canvas')?.dataset['frame'] !== undefined,
      null,
      WAIT,
    );
    return async () => {
      await context.close();
      expect(complaints).toEqual([]);
    };
  });

  it('shows one frame on both sides of the divider, wherever it is put', async () => {
    for (const frame of pickFrames(20)) {
      await seekTo(page, frame);
      const { left, right } = await readBothSides(page);
      expect([left, right], `frame ${frame}`).toEqual([frame, frame]);
    }
  });

  it('shows the source on the left of the divider and the upscaled picture on the right', async () => {
    await seekTo(page, 40);
    // The two differ by how they were enlarged; each view alone says what its side must look like.
    const upscaled = await viewOf(page, '2', false);
    const original = await viewOf(page, '2', true);
    await page.keyboard.press('1');
    const split = await readCanvas(page);
    const border = Math.round(split.width / 2);
    expect(differ(upscaled, original, 0, split.width)).toBeGreaterThan(0);
    expect(differ(split, original, 0, border - 4)).toBe(0);
    expect(differ(split, upscaled, border + 4, split.width)).toBe(0);
    const divider = page.getByRole('slider', { name: /Divider/ });
    await divider.focus();
    await page.keyboard.press('End');
    expect(differ(await readCanvas(page), original, 0, split.width)).toBe(0);
    await page.keyboard.press('Home');
    expect(differ(await readCanvas(page), upscaled, 0, split.width)).toBe(0);
    const box = await page.locator('#canvas').boundingBox();
    const handle = await divider.boundingBox();
    if (box === null || handle === null) throw new Error('There is no divider.');
    await page.mouse.move(handle.x + handle.width / 2, handle.y + handle.height / 2);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2, { steps: 4 });
    await page.mouse.up();
    expect(await divider.getAttribute('aria-valuenow')).toBe('50');
  });

  it('plays, with what plays being said', async () => {
    await page.keyboard.press(' ');
    await page.waitForFunction(() => (document.querySelector('video')?.currentTime ?? 0) > 1.5, null, WAIT);
    // The button follows the video's own events.
    await page.waitForSelector('#play[aria-label="Pause"]', WAIT);
    await page.keyboard.press(' ');
    await page.waitForSelector('#play[aria-label="Play"]', WAIT);
    await page.waitForFunction(
      () => /x real time · .* dropped/.test(document.querySelector('#playing')?.textContent ?? ''),
      null,
      WAIT,
    );
  });

  it('does everything by keys', async () => {
    await seekTo(page, 30);
    await page.keyboard.press('.');
    await frameShown(page, 31);
    await page.keyboard.press(',');
    await frameShown(page, 30);
    await page.keyboard.press('ArrowRight');
    await frameShown(page, 30 + 5 * CLIP.rate);
    await page.keyboard.press('3');
    expect(await page.locator('input[value="side"]').isChecked()).toBe(true);
    await page.keyboard.press('4');
    expect(await page.locator('input[value="difference"]').isChecked()).toBe(true);
    await page.keyboard.press('1');
    await page.keyboard.press('l');
    expect(await page.locator('#loupe').getAttribute('aria-pressed')).toBe('true');
    await page.keyboard.press('+');
    expect(await page.locator('#loupe-zoom').textContent()).toBe('8:1');
    await page.keyboard.press('l');
    await page.keyboard.press('m');
    // The button follows the video's event, which comes a moment later.
    await page.locator('#mute[aria-pressed="true"]').waitFor(WAIT);
    const before = await readCanvas(page);
    await page.keyboard.down('b');
    const held = await readCanvas(page);
    await page.keyboard.up('b');
    const after = await readCanvas(page);
    expect(differ(before, held, 0, before.width)).toBeGreaterThan(0);
    expect(differ(before, after, 0, before.width)).toBe(0);
  });

  it('changes the model, and says what the command would be', async () => {
    await seekTo(page, 60);
    await page.locator('#model').selectOption('lanczos');
    await page.waitForFunction(
      () => document.querySelector('#playing strong')?.textContent === 'lanczos',
      null,
      WAIT,
    );
    await page.waitForFunction(
      () => document.querySelector('#command')?.textContent.includes('--model lanczos'),
      null,
      WAIT,
    );
    await frameShown(page, 60);
    const { left, right } = await readBothSides(page);
    expect([left, right]).toEqual([60, 60]);
  });

  it('takes a pair of stills', async () => {
    await seekTo(page, 20);
    await page.keyboard.press('s');
    const links = page.locator('#stills a');
    await links.nth(1).waitFor(WAIT);
    for (const link of await links.all()) {
      const picture = await context.request.get(
        new URL((await link.getAttribute('href')) ?? '', running.base).href,
      );
      expect(picture.status()).toBe(200);
      expect((await picture.body()).subarray(1, 4).toString()).toBe('PNG');
    }
  });

  it.each(['dark', 'light'] as const)(
    'has no serious accessibility fault in %s, on a desk and on a phone',
    async (scheme) => {
      await page.emulateMedia({ colorScheme: scheme });
      const axe = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
      for (const width of [1280, 375]) {
        await page.setViewportSize({ width, height: 740 });
        // The page's own policy forbids scripts from elsewhere; the protocol may add one.
        const faults = await runAxe(page, axe);
        expect(faults).toEqual([]);
        const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
        expect(overflow).toBeLessThanOrEqual(0);
      }
    },
  );
});

async function findChromium(): Promise<string | null> {
  for (const file of ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']) {
    const isThere = await access(file).then(
      () => true,
      () => false,
    );
    if (isThere) return file;
  }
  return null;
}

/** The same places in every run, spread without a pattern. */
function pickFrames(count: number): number[] {
  let state = 7;
  return Array.from({ length: count }, () => {
    state = (state * 1103515245 + 12345) % 2 ** 31;
    return state % (FRAMES - 1);
  });
}

async function seekTo(page: Page, frame: number): Promise<void> {
  await page.evaluate((seconds) => {
    const seek = document.querySelector<HTMLInputElement>('#seek');
    if (seek === null) return;
    seek.value = String(seconds);
    seek.dispatchEvent(new Event('input'));
  }, frame / CLIP.rate);
  await frameShown(page, frame);
}

/** Waits until the page says that it has drawn `frame`, and that the video rests there. */
async function frameShown(page: Page, frame: number): Promise<void> {
  await page.waitForFunction(
    (wanted) => {
      const video = document.querySelector('video');
      const canvas = document.querySelector<HTMLElement>('#canvas');
      return video?.seeking === false && video.readyState >= 2 && canvas?.dataset['frame'] === String(wanted);
    },
    frame,
    WAIT,
  );
  // A frame may be presented just after the seek is said to be over.
  await page.evaluate(
    () => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))),
  );
}

interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly data: readonly number[];
}

/**
 * One channel of every eighth row of what is drawn, the picture alone; of all rows it would be megabytes. Or of the row at `share` of its height
 * alone: each row that is read waits for all that is drawn.
 */
async function readCanvas(page: Page, share: number | null = null): Promise<Pixels> {
  return page.evaluate((share) => {
    const canvas = document.querySelector<HTMLCanvasElement>('#canvas');
    const context = canvas?.getContext('2d');
    if (canvas === null || context === null || context === undefined) throw new Error('There is no canvas.');
    const aspect = 160 / 128;
    const width = Math.round(Math.min(canvas.width, canvas.height * aspect));
    const height = Math.round(width / aspect);
    const x = Math.round((canvas.width - width) / 2);
    const y = Math.round((canvas.height - height) / 2);
    const green: number[] = [];
    const first = share === null ? 0 : Math.round(share * height);
    for (let row = first; row < (share === null ? height : first + 1); row += 8) {
      const { data } = context.getImageData(x, y + row, width, 1);
      for (let i = 1; i < data.length; i += 4) green.push(data[i] ?? 0);
    }
    return { width, height: green.length / width, data: green };
  }, share);
}

/** The numbers on the two sides: each side alone by moving the divider out of the way, without a new frame. */
async function readBothSides(page: Page): Promise<{ left: number; right: number }> {
  const read = async (key: string): Promise<number> => {
    await page.getByRole('slider', { name: /Divider/ }).focus();
    await page.keyboard.press(key);
    return readNumber((await readCanvas(page, 1 / 8)).data);
  };
  return { left: await read('End'), right: await read('Home') };
}

async function viewOf(page: Page, key: string, isFlipped: boolean): Promise<Pixels> {
  await page.keyboard.press(key);
  if (isFlipped) await page.keyboard.down('b');
  const pixels = await readCanvas(page);
  if (isFlipped) await page.keyboard.up('b');
  return pixels;
}

/**
 * How many samples of the columns `[from, to)` differ, by more than a code value: where a clip ends elsewhere, Chromium rounds a sample in thousands
 * the other way.
 */
function differ(a: Pixels, b: Pixels, from: number, to: number): number {
  let count = 0;
  for (let i = 0; i < a.data.length; i++) {
    const x = i % a.width;
    if (x >= from && x < to && Math.abs((a.data[i] ?? 0) - (b.data[i] ?? 0)) > 1) count++;
  }
  return count;
}

async function runAxe(page: Page, file: string): Promise<string[]> {
  const { readFile } = await import('node:fs/promises');
  const session = await page.context().newCDPSession(page);
  await session.send('Runtime.evaluate', { expression: await readFile(file, 'utf8') });
  const { result } = await session.send('Runtime.evaluate', {
    expression: `axe.run().then(({ violations }) => violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(({ id, nodes }) => id + ': ' + nodes.map(({ html }) => html).join(' ')))`,
    awaitPromise: true,
    returnByValue: true,
  });
  return result.value as string[];
}
