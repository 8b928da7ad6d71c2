import { spawn, spawnSync } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { afterAll, describe, expect, it } from 'vitest';
import { resolveUpscaleOptions } from '../../src/config/resolve-options.ts';
import { silentLogger } from '../../src/core/logger.ts';
import { LanePool } from '../../src/pipeline/lane-pool.ts';
import { buildLiveWriter } from '../../src/pipeline/live-commands.ts';
import { LivePace } from '../../src/pipeline/live-pace.ts';
import { planLive } from '../../src/pipeline/plan-live.ts';
import { LivePreview } from '../../src/preview/live-preview.ts';
import { startServer } from '../../src/preview/server.ts';
import { ffmpeg, ffprobe, makeFolder, tools } from '../pipeline/clip-fixture.ts';
import { CLIP, makeNumberedClip } from './numbered-clip.ts';
import { playWithFfmpeg, probeStreams } from './preview-fixture.ts';

const folder = await makeFolder();
afterAll(folder.remove);

const FRAMES = 150;
const SENT = [...['-c:v', 'mpeg2video', '-q:v', '2', '-g', '12'], ...['-c:a', 'mp2']];

/** Sends a file at its own pace to whoever listens at `url`, once somebody does. */
function send(file: string, url: string): { stop: () => void } {
  let stopped = false;
  let child: ReturnType<typeof spawn> | undefined;
  const start = (): void => {
    if (stopped) return;
    child = spawn(tools.ffmpeg, ['-v', 'error', '-re', '-i', file, '-c', 'copy', '-f', 'mpegts', url], {
      stdio: 'ignore',
    });
    // Nobody listens yet.
    child.on('exit', (code) => code !== 0 && setTimeout(start, 200));
  };
  start();
  return {
    stop: () => {
      stopped = true;
      child?.kill('SIGKILL');
    },
  };
}

/** Sends bytes over `seconds` to whoever listens at `port`, once somebody does. */
async function sendBytes(bytes: Buffer, port: number, seconds: number): Promise<void> {
  const socket = await connectTo(port);
  const steps = Math.round(seconds * 20);
  for (let i = 0; i < steps; i++) {
    const part = (at: number): number => Math.round((bytes.length * at) / steps);
    socket.write(bytes.subarray(part(i), part(i + 1)));
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  socket.end();
}

async function connectTo(port: number): Promise<Socket> {
  for (;;) {
    const socket = connect(port, '127.0.0.1');
    const isOpen = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true));
      socket.once('error', () => resolve(false));
    });
    if (isOpen) return socket;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function findPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const upscale = resolveUpscaleOptions({ ffmpeg: tools.ffmpeg, model: 'lanczos', scale: 2 });

describe('a live source', () => {
  it.each([
    { name: 'with sound', args: SENT, hasSound: true },
    { name: 'without sound', args: [...SENT.slice(0, 6), '-an'], hasSound: false },
  ])('$name is sent on, in order, what was dropped being counted', async ({ name, args, hasSound }) => {
    const file = folder.path(`${name}.ts`);
    makeNumberedClip(file, FRAMES, args);
    const directory = folder.path(`hls ${name}`);
    await mkdir(directory);
    const address = `tcp://127.0.0.1:${await findPort()}`;
    const plan = await planLive(`${address}?listen=1`, `${directory}/stream.m3u8`, {
      ...{ upscale, beside: false, logger: silentLogger },
    });
    const pool = new LanePool(1);
    const sender = send(file, address);
    try {
      const state = await pool.runLive({
        plan,
        tools,
        signal: new AbortController().signal,
        onMessage: () => undefined,
      });
      expect(state).toMatchObject({ width: 2 * CLIP.width, height: 2 * CLIP.height, hasSound });
      const playlist = `${directory}/stream.m3u8`;
      const { numbers, times } = await playWithFfmpeg(playlist);
      // Frames that are left out leave their time to the one before.
      const [first = 0, start = 0] = [numbers[0], times[0]];
      numbers.forEach((number, i) => expect(times[i]).toBeCloseTo(start + (number - first) / CLIP.rate, 2));
      expect(numbers.length).toBeGreaterThan(0);
      expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
      expect(numbers.at(-1)).toBeLessThan(FRAMES);
      expect((state?.frames ?? 0) - (state?.dropped ?? 0)).toBeGreaterThanOrEqual(numbers.length);
      const { streams } = ffprobe(playlist);
      expect(streams.find(({ codec_type }) => codec_type === 'video')).toMatchObject({
        color_space: 'smpte170m',
        color_primaries: 'smpte170m',
      });
      const kinds = streams.map(({ codec_type }) => codec_type);
      expect(kinds.includes('audio')).toBe(hasSound);
    } finally {
      sender.stop();
      await pool.close();
    }
  });

  it('is watched in any player, upscaled or as it was, and ends without a trace', async () => {
    const file = folder.path('watched.ts');
    makeNumberedClip(file, 8 * FRAMES, SENT);
    const address = `tcp://127.0.0.1:${await findPort()}`;
    const preview = await LivePreview.open(`${address}?listen=1`, { upscale, logger: silentLogger });
    const sender = send(file, address);
    const server = await startServer(preview, { host: '127.0.0.1', port: 0, logger: silentLogger });
    try {
      const base = new URL(server.pageUrl).origin;
      const response = await fetch(`${base}/api/watch`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: '{}',
      });
      expect(await response.json()).toMatchObject({
        pictures: {
          upscaled: { width: 2 * CLIP.width, height: 2 * CLIP.height },
          original: { width: CLIP.width, height: CLIP.height },
        },
        playing: { live: { hasSound: true } },
      });
      expect(await probeStreams(`${base}/stream.m3u8`)).toContainEqual(
        expect.objectContaining({ codec_type: 'video', width: 2 * CLIP.width, height: 2 * CLIP.height }),
      );
      for (const view of ['stream', 'original']) {
        const { seconds, tells } = await timeSegment(`${base}/${view}.m3u8`);
        expect(seconds / tells, `a segment of ${view}`).toBeCloseTo(1, 1);
      }
      expect(await probeStreams(`${base}/original.m3u8`)).toContainEqual(
        expect.objectContaining({ codec_type: 'video', width: CLIP.width, height: CLIP.height }),
      );
    } finally {
      sender.stop();
      await server.close();
      await preview.close();
    }
  });

  it('may send sound long before the first picture that can be decoded', async () => {
    const file = folder.path('joined.ts');
    const group = ['-g', '75', '-keyint_min', '75', '-sc_threshold', '0', '-bf', '0'];
    const video = ['-c:v', 'libx264', ...group, '-pix_fmt', 'yuv420p'];
    makeNumberedClip(file, FRAMES, [...video, '-c:a', 'aac']);
    // Without its head, as one who joins later gets it: no key frame before the 75th.
    const bytes = await readFile(file);
    const late = bytes.subarray(Math.floor(bytes.length / 8 / 188) * 188);
    await mkdir(folder.path('joined'));
    const port = await findPort();
    const playlist = folder.path('joined/stream.m3u8');
    const plan = await planLive(`tcp://127.0.0.1:${port}?listen=1`, playlist, {
      ...{ upscale, beside: false, logger: silentLogger },
    });
    const pool = new LanePool(1);
    try {
      const running = pool.runLive({
        ...{ plan, tools, signal: new AbortController().signal, onMessage: () => undefined },
      });
      await sendBytes(late, port, 2);
      await running;
      const { numbers } = await playWithFfmpeg(playlist);
      expect(numbers[0]).toBe(75);
      expect(numbers.length).toBeGreaterThan(FRAMES / 4);
      expect(ffprobe(playlist).streams.map(({ codec_type }) => codec_type)).toContain('audio');
    } finally {
      await pool.close();
    }
  });

  it('keeps its own clock, whatever rate an encoder takes it for', async () => {
    const nut = folder.path('frames.nut');
    const clock = ['-enc_time_base', '1/90000', '-pix_fmt', 'yuv420p', '-c:v', 'rawvideo'];
    ffmpeg('-f', 'lavfi', '-i', 'testsrc2=s=320x240:r=25:d=3', ...clock, nut);
    await mkdir(folder.path('clock'));
    const playlist = folder.path('clock/stream.m3u8');
    const args = buildLiveWriter(playlist, { withSound: false, tools, sourceLines: 240 });
    expect(spawnSync(tools.ffmpeg, args, { input: await readFile(nut) }).status).toBe(0);
    const { streams } = ffprobe(playlist);
    expect(streams[0]).toMatchObject({ time_base: '1/90000' });
  });

  it('that sends nothing is told of', async () => {
    const preview = await LivePreview.open(`tcp://127.0.0.1:${await findPort()}`, {
      upscale,
      logger: silentLogger,
    });
    try {
      await expect(preview.watch(new AbortController().signal)).rejects.toMatchObject({
        code: 'SOURCE_UNREADABLE',
      });
    } finally {
      await preview.close();
    }
  });
});

/** Seconds that the last segment's pictures take by the head that is served with them, and that the playlist tells. */
async function timeSegment(playlist: string): Promise<{ seconds: number; tells: number }> {
  const answer = await fetch(playlist);
  const text = await answer.text();
  const read = async (name: string): Promise<Buffer> =>
    Buffer.from(await (await fetch(new URL(name, answer.url))).arrayBuffer());
  const [, tells = '', name = ''] = [...text.matchAll(/#EXTINF:([\d.]+),\n(\S+)/g)].at(-1) ?? [];
  const head = await read(/#EXT-X-MAP:URI="([^"]+)"/.exec(text)?.[1] ?? '');
  const file = folder.path('segment.mp4');
  await writeFile(file, Buffer.concat([head, await read(name)]));
  const shown = ['-select_streams', 'v', '-show_entries', 'packet=pts_time', '-of', 'csv=p=0'];
  const { stdout } = spawnSync(tools.ffprobe, ['-v', 'error', ...shown, file]);
  const times = stdout.toString().split('\n').filter(Boolean).map(parseFloat);
  const length = Math.max(...times) - Math.min(...times);
  // The last frame is shown as long as the others.
  const seconds = (length * times.length) / (times.length - 1);
  return { seconds, tells: Number(tells) };
}

describe('LivePace', () => {
  /** Frames of 25 a second that come `lateness(i)` seconds after their time, each waited for or not. */
  function run(lateness: (i: number) => number, waited: (i: number) => number, count: number): LivePace {
    let now = 0;
    const pace = new LivePace(() => now);
    for (let i = 0; i < count; i++) {
      now = i / 25 + lateness(i);
      pace.admit(i / 25, waited(i));
    }
    return pace;
  }

  it('drops nothing while frames are waited for, however late the source gets', () => {
    expect(
      run(
        (i) => i * 0.02,
        () => 0.03,
        500,
      ).dropped,
    ).toBe(0);
  });

  it('drops frames that had to wait for us, until it has caught up', () => {
    // From frame 100 on each takes twice its time; those that are dropped take none.
    let late = 0;
    let now = 0;
    const pace = new LivePace(() => now);
    let shown = 0;
    for (let i = 0; i < 500; i++) {
      now = i / 25 + late;
      const isShown = pace.admit(i / 25, late === 0 ? 0.04 : 0);
      if (isShown) shown++;
      if (i >= 100) late = Math.max(0, late + (isShown ? 0.04 : -0.038));
      expect(pace.lag).toBeLessThan(0.5);
    }
    expect(pace.dropped).toBeGreaterThan(100);
    expect(shown + pace.dropped).toBe(500);
    expect(pace.isTooSlow()).toBe(false);
    now += 5;
    expect(pace.isTooSlow()).toBe(true);
  });
});
