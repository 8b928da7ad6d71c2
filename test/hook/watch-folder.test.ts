import { spawn } from 'node:child_process';
import {
  appendFile,
  copyFile,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  truncate,
  writeFile,
} from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { watchFolder, type WatchEvent, type WatchOptions } from '../../src/hook/watch/watch-folder.ts';
import { probe, upscale } from '../../src/index.ts';
import { useEmbedded } from '../cli/command-line.ts';
import { ffmpeg, makeFolder } from '../pipeline/clip-fixture.ts';

const folder = await makeFolder();
afterAll(folder.remove);
const clip = folder.path('clip.mp4');
const SLOW = 600_000;
let counter = 0;

beforeAll(async () => {
  await useEmbedded();
  ffmpeg('-f', 'lavfi', '-i', 'testsrc2=s=64x48:r=25:d=0.2', '-c:v', 'libx264', '-g', '2', clip);
});

interface Watched {
  readonly place: string;
  readonly events: WatchEvent[];
  readonly run: (changes?: Partial<WatchOptions>) => Promise<void>;
  readonly outputs: () => Promise<string[]>;
}

async function makeWatched(): Promise<Watched> {
  const place = folder.path(`watched-${String(counter++)}`);
  await mkdir(place);
  const events: WatchEvent[] = [];
  const output = path.join(place, 'upreel');
  return {
    place,
    events,
    run: (changes = {}) =>
      watchFolder(place, {
        output,
        request: { model: 'nearest', encoder: 'ffv1' },
        extension: 'mkv',
        settleSeconds: 0.4,
        pollSeconds: 0.1,
        once: true,
        upscale,
        probe: (file) => probe(file),
        onEvent: (event) => events.push(event),
        ...changes,
      }),
    outputs: async () => (await readdir(output)).filter((name) => !name.startsWith('.')).sort(),
  };
}

const namesOf = (events: readonly WatchEvent[], type: WatchEvent['type']): string[] =>
  events.filter((event) => event.type === type).map(({ source }) => path.basename(source));

describe('watchFolder', () => {
  it(
    'takes each file once, with its sidecars, and none again after a restart or a rename',
    async () => {
      const { place, events, run, outputs } = await makeWatched();
      await copyFile(clip, path.join(place, 'a.mp4'));
      await copyFile(clip, path.join(place, 'b.mp4'));
      await writeFile(path.join(place, 'a.srt'), '1\n00:00:00,000 --> 00:00:00,100\nHello\n');
      await writeFile(path.join(place, 'a.mp4.xml'), '<note/>');
      await run();
      expect(await outputs()).toEqual(['a.mkv', 'a.mp4.xml', 'a.srt', 'b.mkv']);
      expect(events.filter(({ type }) => type === 'done')).toMatchObject([
        { verified: true },
        { verified: true },
      ]);
      await rename(path.join(place, 'a.mp4'), path.join(place, 'z.mp4'));
      await run();
      expect(namesOf(events, 'taken')).toEqual(['a.mp4', 'b.mp4']);
    },
    SLOW,
  );

  it(
    'waits for a slow copy, and for a name that says unfinished',
    async () => {
      const { place, events, run } = await makeWatched();
      const bytes = await readFile(clip);
      const slow = path.join(place, 'slow.mp4');
      await writeFile(slow, bytes.subarray(0, 500));
      await copyFile(clip, path.join(place, 'late.mp4.part'));
      const taken: number[] = [];
      const watching = run({
        onEvent: (event) => {
          events.push(event);
          if (event.type === 'taken') taken.push(counter);
        },
      });
      for (let at = 500; at < bytes.length; at += Math.ceil(bytes.length / 8)) {
        expect(events).toEqual([]);
        await appendFile(slow, bytes.subarray(at, at + Math.ceil(bytes.length / 8)));
        await wait(150);
      }
      await watching;
      expect(namesOf(events, 'done')).toEqual(['slow.mp4']);
      await rename(path.join(place, 'late.mp4.part'), path.join(place, 'late.mp4'));
      await run();
      expect(namesOf(events, 'done')).toEqual(['slow.mp4', 'late.mp4']);
    },
    SLOW,
  );

  it.skipIf(process.platform !== 'linux')(
    'leaves a file that is open for writing (Linux tells)',
    async () => {
      const { place, events, run } = await makeWatched();
      const file = path.join(place, 'open.mp4');
      await copyFile(clip, file);
      const writer = await open(file, 'r+');
      const stop = new AbortController();
      const watching = run({ signal: stop.signal });
      await wait(2000);
      expect(events).toEqual([]);
      await writer.close();
      await watching;
      stop.abort();
      expect(namesOf(events, 'done')).toEqual(['open.mp4']);
    },
    SLOW,
  );

  it(
    'puts what never becomes whole aside with the reason, and goes on',
    async () => {
      const { place, events, run, outputs } = await makeWatched();
      await copyFile(clip, path.join(place, 'cut.mp4'));
      await truncate(path.join(place, 'cut.mp4'), 400);
      await writeFile(path.join(place, 'cut.xml'), '<note/>');
      await writeFile(path.join(place, 'text.mov'), 'no video at all');
      await copyFile(clip, path.join(place, 'whole.mp4'));
      await run({ settleSeconds: 0.2 });
      expect(namesOf(events, 'done')).toEqual(['whole.mp4']);
      expect(namesOf(events, 'failed').sort()).toEqual(['cut.mp4', 'text.mov']);
      expect(await outputs()).toEqual(['whole.mkv']);
      const failed = await readdir(path.join(place, 'failed'));
      expect(failed.sort()).toEqual([
        'cut.mp4',
        'cut.mp4.reason.txt',
        'cut.xml',
        'text.mov',
        'text.mov.reason.txt',
      ]);
      expect(await readFile(path.join(place, 'failed', 'text.mov.reason.txt'), 'utf8')).toContain(
        '(SOURCE_UNREADABLE)',
      );
    },
    SLOW,
  );

  it(
    'takes a hundred files at once, each exactly once, though it is killed in the middle',
    async () => {
      const { place, events, run, outputs } = await makeWatched();
      const names = Array.from({ length: 100 }, (_, i) => `shot-${String(i).padStart(3, '0')}.mp4`);
      for (const name of names) await copyFile(clip, path.join(place, name));
      // The pipeline is another test's: here it is how often it is called, and with what.
      const made: string[] = [];
      const stop = new AbortController();
      const counting: WatchOptions['upscale'] = async (input, request) => {
        made.push(path.basename(input));
        if (made.length === 40) stop.abort();
        await writeFile(request.output ?? '', 'made');
        return {
          result: {} as Awaited<ReturnType<typeof upscale>>['result'],
          verify: { ok: true, rows: [] },
        };
      };
      // All are copies of one file.
      const known = await probe(clip);
      const quick = { upscale: counting, probe: () => Promise.resolve(known), settleSeconds: 0.2 };
      await expect(run({ ...quick, signal: stop.signal })).rejects.toMatchObject({ code: 'ABORTED' });
      await run(quick);
      expect(made).toEqual(names);
      expect(namesOf(events, 'done')).toEqual(names);
      expect(await outputs()).toEqual(names.map((name) => name.replace('mp4', 'mkv')));
    },
    SLOW,
  );

  it(
    'makes a dozen real files, each once, though it is stopped in the middle and another watcher comes',
    async () => {
      const { place, events, run, outputs } = await makeWatched();
      const names = Array.from({ length: 12 }, (_, i) => `shot-${String(i).padStart(2, '0')}.mp4`);
      for (const name of names) await copyFile(clip, path.join(place, name));
      const stop = new AbortController();
      const refused: unknown[] = [];
      const first = run({
        signal: stop.signal,
        settleSeconds: 0.2,
        onEvent: (event) => {
          events.push(event);
          if (events.length === 2)
            void run({ onEvent: () => undefined }).catch((error: unknown) => refused.push(error));
          if (namesOf(events, 'done').length === 4 && event.type === 'taken') stop.abort();
        },
      });
      await expect(first).rejects.toMatchObject({ code: 'ABORTED' });
      expect(refused).toMatchObject([{ code: 'OUTPUT_BUSY' }]);
      await run({ settleSeconds: 0.2 });
      expect(namesOf(events, 'done')).toEqual(names);
      expect(await outputs()).toEqual(names.map((name) => name.replace('mp4', 'mkv')));
      for (const name of await outputs())
        expect((await probe(path.join(place, 'upreel', name))).video.scan.frames).toBe(5);
    },
    SLOW,
  );

  it(
    'goes on when a file is taken away while it is made',
    async () => {
      const { place, events, run } = await makeWatched();
      await copyFile(clip, path.join(place, 'a.mp4'));
      await copyFile(clip, path.join(place, 'b.mp4'));
      await run({
        settleSeconds: 0.2,
        upscale: async (input, request, call) => {
          if (input.endsWith('a.mp4')) await rm(input);
          return upscale(input, request, call);
        },
      });
      expect([namesOf(events, 'failed'), namesOf(events, 'done')]).toEqual([['a.mp4'], ['b.mp4']]);
    },
    SLOW,
  );

  it(
    'counts an output that was finished when the watcher was killed',
    async () => {
      const { place, events, run } = await makeWatched();
      await copyFile(clip, path.join(place, 'a.mp4'));
      await run();
      const journal = path.join(place, '.upreel-watch.jsonl');
      const [started] = (await readFile(journal, 'utf8')).split('\n');
      // As a kill between the output and its note leaves it, with a torn line at the end.
      await writeFile(journal, `${started ?? ''}\n{"identity":"1`);
      await run();
      expect(namesOf(events, 'taken')).toEqual(['a.mp4']);
      await rm(journal);
    },
    SLOW,
  );

  it('refuses to put what it makes where it looks', async () => {
    const { place, run } = await makeWatched();
    await expect(run({ output: place })).rejects.toMatchObject({ code: 'USAGE' });
    await expect(run({ output: path.join(place, 'x') })).resolves.toBeUndefined();
  });
});

describe('upreel watch', () => {
  it(
    'goes on after it was killed',
    async () => {
      const { place } = await makeWatched();
      await copyFile(clip, path.join(place, 'a.mp4'));
      const program = new URL('../../bin/upreel.js', import.meta.url).pathname;
      const args = [
        program,
        'watch',
        place,
        '--once',
        '--settle',
        '0.3',
        '--model',
        'nearest',
        '--json',
        '--no-progress',
      ];
      const first = spawn(process.execPath, args);
      await new Promise((resolve) => first.stdout.once('data', resolve));
      first.kill('SIGKILL');
      await new Promise((resolve) => first.once('close', resolve));
      const second = spawn(process.execPath, args);
      let [text, words] = ['', ''];
      second.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
      second.stderr.on('data', (chunk: Buffer) => (words += chunk.toString()));
      const code = await new Promise((resolve) => second.once('close', resolve));
      expect({ code, words }).toEqual({ code: 0, words: '' });
      expect(text).toContain('"done"');
      expect((await readdir(path.join(place, 'upreel'))).filter((name) => !name.startsWith('.'))).toEqual([
        'a.mov',
      ]);
    },
    SLOW,
  );
});
