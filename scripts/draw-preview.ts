/**
 * Takes the pictures of the preview that the documentation shows, in Chromium, on the tape of `samples`.
 *
 *     npx tsx scripts/draw-preview.ts [FOLDER]
 *
 * With a folder, takes light, dark and phone-sized ones into it instead.
 */
import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium, type Browser } from 'playwright-core';
import { resolveUpscaleOptions } from '../src/config/resolve-options.ts';
import { silentLogger } from '../src/core/logger.ts';
import { Preview } from '../src/preview/preview.ts';
import { startServer } from '../src/preview/server.ts';

const SAMPLE = fileURLToPath(new URL('../samples/meadow.mov', import.meta.url));
const TARGET = fileURLToPath(new URL('../docs/images/preview.png', import.meta.url));
const CHROMIUM = process.env['CHROMIUM'] ?? '/usr/bin/chromium';
/** Seconds into the sample. */
const MOMENT = 1.2;
/** Milliseconds that a busy machine may take. */
const PATIENCE = 300_000;

interface Shot {
  readonly file: string;
  readonly width: number;
  readonly height: number;
  readonly scheme: 'dark' | 'light';
  readonly keys: readonly string[];
}

const [asked] = process.argv.slice(2);
const folder = asked === undefined ? undefined : path.resolve(asked);
const shots: readonly Shot[] =
  folder === undefined
    ? [{ file: TARGET, width: 1280, height: 760, scheme: 'dark', keys: [] }]
    : [
        { file: path.join(folder, 'dark.png'), width: 1440, height: 860, scheme: 'dark', keys: [] },
        { file: path.join(folder, 'light.png'), width: 1440, height: 860, scheme: 'light', keys: ['l'] },
        { file: path.join(folder, 'side.png'), width: 1440, height: 860, scheme: 'dark', keys: ['3'] },
        { file: path.join(folder, 'difference.png'), width: 1440, height: 860, scheme: 'dark', keys: ['4'] },
        { file: path.join(folder, 'phone.png'), width: 390, height: 844, scheme: 'light', keys: [] },
      ];

const work = await mkdtemp(path.join(os.tmpdir(), 'upreel-draw-'));
// The page shows the command with the path as it was given.
const preview = await Preview.open(path.relative(process.cwd(), SAMPLE), {
  upscale: resolveUpscaleOptions({ model: 'realtime', deinterlace: 'frame' }),
  cacheBytes: 1e9,
  logger: silentLogger,
});
const server = await startServer(preview, { host: '127.0.0.1', port: 0, logger: silentLogger });
const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
try {
  for (const shot of shots) await take(browser, shot);
} finally {
  await browser.close();
  await server.close();
  await preview.close();
  await rm(work, { recursive: true, force: true });
}

async function take(from: Browser, { file, width, height, scheme, keys }: Shot): Promise<void> {
  const page = await from.newPage({ viewport: { width, height }, colorScheme: scheme });
  await page.goto(server.pageUrl);
  const isShown = (seconds: number): boolean => {
    const video = document.querySelector('video');
    return video?.seeking === false && video.readyState >= 2 && Math.abs(video.currentTime - seconds) < 0.1;
  };
  await page.waitForFunction(() => (document.querySelector('video')?.readyState ?? 0) >= 2, null, {
    timeout: PATIENCE,
  });
  await page.evaluate((seconds) => {
    const video = document.querySelector('video');
    if (video !== null) video.currentTime = seconds;
  }, MOMENT);
  await page.waitForFunction(isShown, MOMENT, { timeout: PATIENCE });
  const stage = await page.locator('#canvas').boundingBox();
  for (const key of keys) await page.keyboard.press(key);
  if (stage !== null) await page.mouse.move(stage.x + stage.width * 0.45, stage.y + stage.height * 0.55);
  await page.waitForTimeout(300);
  const whole = path.join(work, 'whole.png');
  await page.screenshot({ path: whole });
  // A palette makes it a third as large.
  const small = spawnSync(preview.tools.ffmpeg, [
    ...[
      '-v',
      'error',
      '-y',
      '-i',
      whole,
      '-vf',
      'split[a][b];[a]palettegen[p];[b][p]paletteuse=dither=bayer:bayer_scale=4',
    ],
    ...['-pred', 'mixed', path.join(work, 'small.png')],
  ]);
  if (small.status !== 0) throw new Error(small.stderr.toString());
  await writeFile(file, await readFile(path.join(work, 'small.png')));
  await page.close();
}
