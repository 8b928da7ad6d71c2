import { readdir, readFile, writeFile } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findToolSets } from '../ffmpeg/tool-sets.ts';
import { makeFolder } from '../pipeline/clip-fixture.ts';
import { CLIP, makeNumberedClip } from './numbered-clip.ts';
import {
  listChildren,
  playWithFfmpeg,
  readSamples,
  servePreview,
  type RunningPreview,
} from './preview-fixture.ts';

const folder = await makeFolder();
afterAll(folder.remove);

const FRAMES = 260;
/** As few connections as a browser opens. */
const agent = new Agent({ keepAlive: true, maxSockets: 16 });
afterAll(() => agent.destroy());

/** Half of the clips by each ffmpeg. */
const toolSets = await findToolSets();
const [embedded, newest] = [toolSets[0]?.[1].ffmpeg, toolSets.at(-1)?.[1].ffmpeg];
/** Of the clips that are played to their end, one after the other: some pieces, and a rest. */
const PLAYED = 130;
const ALL = Array.from({ length: PLAYED }, (_, i) => i);

describe.each([
  {
    name: 'DV-like, every frame a key frame',
    file: 'intra.avi',
    ffmpeg: embedded,
    args: ['-c:v', 'mjpeg', '-q:v', '2', '-c:a', 'pcm_s16le'],
  },
  {
    name: 'H.264 with long groups and reordering',
    file: 'long.mp4',
    ffmpeg: newest,
    args: ['-c:v', 'libx264', '-g', '120', '-bf', '2', '-pix_fmt', 'yuv420p', '-c:a', 'aac'],
  },
  {
    name: 'a transport stream that starts late',
    file: 'late.ts',
    ffmpeg: newest,
    args: [
      '-c:v',
      'mpeg2video',
      '-q:v',
      '2',
      '-bf',
      '2',
      '-g',
      '15',
      '-c:a',
      'mp2',
      '-output_ts_offset',
      '4000',
    ],
  },
  {
    name: 'a raw stream without times',
    file: 'raw.m2v',
    ffmpeg: embedded,
    args: ['-an', '-c:v', 'mpeg2video', '-q:v', '2', '-g', '12'],
  },
])('$name', ({ file, ffmpeg, args }) => {
  let running: RunningPreview;

  beforeAll(async () => {
    makeNumberedClip(folder.path(file), PLAYED, args);
    running = await servePreview(folder.path(file), { model: 'realtime', temporal: 'low', ffmpeg });
  });
  afterAll(() => running.close());

  it.each(['stream', 'original'])('any player gets every frame of %s once, at its time', async (playlist) => {
    const { numbers, times } = await playWithFfmpeg(`${running.base}/${playlist}.m3u8`);
    expect(numbers).toEqual(ALL);
    const start = times[0] ?? 0;
    times.forEach((time, i) => expect(time - start).toBeCloseTo(i / CLIP.rate, 4));
  });
});

describe('a source that has', () => {
  const ENCODING = ['-an', '-c:v', 'mjpeg', '-q:v', '2'];

  it('pauses, some longer than a segment, plays without holes, every frame at its time', async () => {
    const isKept = (frame: number): boolean => frame < 30 || (frame >= 75 && (frame - 75) % 4 !== 1);
    const select = "select='lt(n,30)+gte(n,75)*not(eq(mod(n-75,4),1))'";
    makeNumberedClip(folder.path('pauses.mov'), PLAYED, [
      '-vf',
      select,
      '-vsync',
      'passthrough',
      ...ENCODING,
    ]);
    const running = await servePreview(folder.path('pauses.mov'), { model: 'lanczos', ffmpeg: newest });
    try {
      const { numbers, times } = await playWithFfmpeg(`${running.base}/stream.m3u8`);
      const kept = ALL.filter(isKept);
      expect(numbers).toEqual(kept);
      kept.forEach((frame, i) => expect(times[i]).toBeCloseTo((times[0] ?? 0) + frame / CLIP.rate, 4));
      const { segments } = (await running.preview.variantOf(running.preview.defaults)).grid;
      segments.slice(1).forEach(({ start }, i) => {
        const before = segments[i];
        expect(before === undefined ? 0 : before.start + before.duration).toBeCloseTo(start, 6);
        expect(isKept(Math.round(start * CLIP.rate)), `a segment starts at ${start}`).toBe(true);
      });
    } finally {
      await running.close();
    }
  });

  it.each([
    { where: 'in its middle', from: 0.3, to: 0.7 },
    { where: 'at its start', from: 0, to: 0.4 },
  ])(
    'a hole longer than a segment $where shows black there, and all that decodes at its time',
    async ({ from, to }) => {
      makeNumberedClip(folder.path('whole.mov'), PLAYED, ENCODING);
      const bytes = await readFile(folder.path('whole.mov'));
      // The samples lie behind some boxes, and before the index.
      const share = (part: number): number => Math.max(64, Math.round(bytes.length * part));
      await writeFile(folder.path('hole.mov'), bytes.fill(0, share(from), share(to)));
      const running = await servePreview(folder.path('hole.mov'), { model: 'lanczos', ffmpeg: newest });
      try {
        const { numbers, times } = await playWithFfmpeg(`${running.base}/stream.m3u8`);
        const start = times[0] ?? 0;
        const shown = times.map((time, i) => ({
          at: Math.round((time - start) * CLIP.rate),
          number: numbers[i] ?? -1,
        }));
        const isBlack = ({ at, number }: { at: number; number: number }): boolean =>
          number === 0 && (at > 0 || from === 0);
        const decoded = shown.filter((frame) => !isBlack(frame));
        // The two frames that are torn may show anything.
        expect(decoded.filter(({ at, number }) => at !== number).length).toBeLessThanOrEqual(2);
        expect(decoded.length).toBeGreaterThan(PLAYED * 0.5);
        expect(decoded.length).toBeLessThan(PLAYED * 0.75);
        expect(decoded.at(-1)?.number).toBe(PLAYED - 1);
        // One for each segment in which nothing decodes, or not yet.
        expect(shown.filter(isBlack).length).toBeGreaterThanOrEqual(2);
      } finally {
        await running.close();
      }
    },
  );
});

describe('a source with sound', () => {
  let running: RunningPreview;

  beforeAll(async () => {
    makeNumberedClip(folder.path('sound.mov'), FRAMES, ['-c:v', 'mjpeg', '-q:v', '2', '-c:a', 'pcm_s16le']);
    running = await servePreview(folder.path('sound.mov'), { model: 'lanczos', ffmpeg: embedded });
  });
  afterAll(() => running.close());

  it('has its samples bit for bit, across the borders of its pieces', async () => {
    expect(running.preview.sound?.count).toBeGreaterThan(1);
    const [played, source] = await Promise.all([
      readSamples(`${running.base}/stream.m3u8`),
      readSamples(folder.path('sound.mov')),
    ]);
    expect(played.length).toBe(source.length);
    expect(played.findIndex((sample, i) => sample !== source[i])).toBe(-1);
  });

  it('is upscaled once for four viewers', async () => {
    const { workbench } = running.preview;
    const variant = await running.preview.variantOf({ ...running.preview.defaults, temporal: 'low' });
    const before = workbench.counts.made;
    const viewers = Array.from({ length: 4 }, () => running.preview.viewers.add());
    for (const index of [3, 4]) {
      const signal = new AbortController().signal;
      const taken = await Promise.all(
        viewers.map((viewer) => workbench.take(viewer, variant, index, signal)),
      );
      for (const data of taken) expect(data.equals(taken[0] ?? Buffer.alloc(0))).toBe(true);
    }
    for (const viewer of viewers) viewer.leave();
    workbench.reconcile();
    const ahead = variant.grid.segments.length - 3;
    expect(workbench.counts.made - before).toBeLessThanOrEqual(ahead);
  });

  it('stops what nobody wants any more, and does what is wanted instead', async () => {
    const { preview } = running;
    const variant = await preview.variantOf({ ...preview.defaults, model: 'balanced' });
    const viewer = preview.viewers.add();
    for (const index of [3, 9, 2, 11, 5]) {
      const leaves = new AbortController();
      const taken = preview.workbench.take(viewer, variant, index, leaves.signal);
      leaves.abort();
      await expect(taken).rejects.toMatchObject({ code: 'ABORTED' });
    }
    const data = await preview.workbench.take(viewer, variant, 7, new AbortController().signal);
    expect(data.length).toBeGreaterThan(0);
    expect(preview.workbench.counts.cancelled).toBeGreaterThan(0);
    viewer.leave();
    preview.workbench.reconcile();
    await expect.poll(() => preview.workbench.counts.busyLanes, { timeout: 20_000 }).toBe(0);
    await expect.poll(listChildren, { timeout: 20_000 }).toEqual([]);
  });

  it('keeps what was made within its bound', async () => {
    const small = await servePreview(folder.path('sound.mov'), { model: 'lanczos' }, { cacheBytes: 100_000 });
    try {
      await playWithFfmpeg(`${small.base}/stream.m3u8`);
      const { cache, directory } = small.preview;
      expect(cache.bytes).toBeLessThanOrEqual(100_000);
      const kept = (await readdir(directory)).filter((name) => name.endsWith('.m4s'));
      expect(kept.length).toBeLessThan(small.preview.workbench.counts.made);
    } finally {
      await small.close();
    }
    expect(await readdir(os.tmpdir())).not.toContain(path.basename(small.preview.directory));
  });
});

describe('who may ask', () => {
  let local: RunningPreview;
  let open: RunningPreview;

  beforeAll(async () => {
    makeNumberedClip(folder.path('short.mov'), 50, ['-c:v', 'mjpeg', '-c:a', 'pcm_s16le']);
    local = await servePreview(folder.path('short.mov'), { model: 'lanczos', ffmpeg: embedded });
    open = await servePreview(folder.path('short.mov'), { model: 'lanczos' }, { host: '0.0.0.0' });
  });
  afterAll(async () => {
    await local.close();
    await open.close();
  });

  it('on loopback: this machine, by its own name only', async () => {
    expect(await ask(local, '/')).toBe(200);
    expect(await ask(local, '/', { headers: { host: 'evil.example' } })).toBe(421);
    expect(await ask(local, '/api/source', { headers: { origin: 'http://evil.example' } })).toBe(403);
    expect(await ask(local, '/api/source', { headers: { 'sec-fetch-site': 'cross-site' } })).toBe(403);
    expect(local.server.pageUrl).not.toContain('token');
  });

  it('elsewhere: who has the token', async () => {
    const token = new URL(open.server.pageUrl).searchParams.get('token') ?? '';
    expect(token.length).toBeGreaterThan(20);
    expect(await ask(open, '/')).toBe(401);
    expect(await ask(open, '/api/source')).toBe(401);
    expect(await ask(open, `/?token=${'x'.repeat(token.length)}`)).toBe(401);
    expect(await ask(open, `/?token=${token}`)).toBe(200);
    const cookie = `upreel-${new URL(open.base).port}=${token}`;
    expect(await ask(open, '/api/source', { headers: { cookie } })).toBe(200);
    expect(await ask(open, `/stream.m3u8?token=${token}`)).toBe(200);
  });

  it('plays with a token in any player', async () => {
    const { numbers } = await playWithFfmpeg(open.server.streamUrl);
    expect(numbers).toEqual(ALL.slice(0, 50));
  });

  it('no path reaches the file system', async () => {
    for (const path of [
      '/../../../etc/passwd',
      '/%2e%2e/%2e%2e/etc/passwd',
      '/assets/../../package.json',
      '//etc/passwd',
      '/watch/x/0123456789abcdef/../../../../etc/passwd',
      '/thumbnail/../../etc/passwd',
      '/still/x/../../etc/passwd',
    ]) {
      expect([400, 404], path).toContain(await ask(local, path));
    }
  });

  it('bodies are small JSON, settings are known ones', async () => {
    const post = async (body: string, type = 'application/json'): Promise<number> =>
      ask(local, '/api/watch', { method: 'POST', headers: { 'content-type': type }, body });
    expect(await post('{}', 'text/plain')).toBe(403);
    expect(await post('{')).toBe(400);
    expect(await post(JSON.stringify({ viewer: 'x'.repeat(10_000) }))).toBe(400);
    const settings = { ...local.preview.defaults, model: '../../etc/passwd' };
    expect(await post(JSON.stringify({ viewer: '', settings }))).toBe(400);
    expect(await post(JSON.stringify({ viewer: '', settings: { ...settings, model: 'none-such' } }))).toBe(
      404,
    );
  });

  it('runs nothing inline', async () => {
    const page = await fetch(open.server.pageUrl);
    expect(page.headers.get('content-security-policy')).toContain("script-src 'self'");
    expect(page.headers.get('content-security-policy')).not.toContain('unsafe');
    expect(await page.text()).not.toMatch(/<script(?![^>]*src=)|\son\w+=|style="/);
  });
});

/** The status of an answer. Raw, since `fetch` would clean up paths and headers. */
async function ask(
  { base }: RunningPreview,
  path: string,
  options: { method?: string; headers?: Record<string, string>; body?: string } = {},
): Promise<number> {
  const { port } = new URL(base);
  return new Promise((resolve, reject) => {
    const { body, ...rest } = options;
    const sent = request({ agent, host: '127.0.0.1', port, path, ...rest }, (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode ?? 0));
    });
    sent.on('error', reject);
    sent.end(body);
  });
}
