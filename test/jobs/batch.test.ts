import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { makeClip, makeFolder, runUpreel, useEmbedded, type Outcome } from '../cli/command-line.ts';
import { decodeFrames } from '../pipeline/clip-fixture.ts';

let folder = '';
let tapes = '';
const at = (...names: string[]): string => path.join(folder, ...names);

beforeAll(async () => {
  await useEmbedded();
  folder = await makeFolder();
  tapes = at('tapes');
  await mkdir(path.join(tapes, 'sub'), { recursive: true });
  await makeClip(path.join(tapes, 'one.mp4'), 40);
  await makeClip(path.join(tapes, 'one.mkv'), 40);
  await makeClip(path.join(tapes, 'sub', "two's & <b>.mp4"), 30);
  await writeFile(path.join(tapes, 'broken.avi'), 'no video at all');
  await writeFile(
    path.join(tapes, 'upreel.yaml'),
    "model: bicubic\nencoder: ffv1\nfiles:\n  'sub/*':\n    scale: 3\n",
  );
});

async function upscale(...more: string[]): Promise<Outcome> {
  return runUpreel(['upscale', tapes, '-o', at('out'), '--recursive', '--device', 'cpu', ...more]);
}

interface Document {
  readonly outcomes: { readonly source: string; readonly status: string; readonly output?: string }[];
}

describe('upreel upscale FOLDER', () => {
  it('makes each file by its own settings, goes on where one fails, and says what became of all', async () => {
    const { code, stdout, stderr } = await upscale();
    expect(stdout).toContain('3 done, 0 skipped, 1 failed');
    expect(stdout).toMatch(/failed +broken\.avi +.*cannot be read/);
    expect(code).toBe(9);
    expect(stderr).toContain('[1/4] broken.avi');
    expect((await readdir(at('out'))).sort()).toEqual(['one.mkv.mkv', 'one.mp4.mkv', 'sub', 'upreel-report']);
    const report = JSON.parse(
      await readFile(at('out', 'upreel-report', 'sub', "two's & <b>.mkv.json"), 'utf8'),
    ) as object;
    expect(report).toMatchObject({
      geometry: { width: 192, height: 144 },
      verify: { ok: true },
      options: expect.arrayContaining([
        { name: 'scale', value: '3', place: 'upreel.yaml, line 5' },
      ]) as unknown,
    });
  });

  it('skips what the same plan made, and nothing else', async () => {
    const again = await upscale('--json');
    const { outcomes } = JSON.parse(again.stdout) as Document;
    expect(outcomes.map(({ status }) => status)).toEqual(['failed', 'skipped', 'skipped', 'skipped']);

    await rm(at('out', 'one.mkv.mkv'));
    await writeFile(at('out', 'one.mp4.mkv'), 'altered');
    const third = await upscale();
    expect(third.stdout).toMatch(/done +one\.mkv/);
    expect(third.stdout).toMatch(/failed +one\.mp4 +.*exists already/);
    const fourth = await upscale('-y', '--exclude', 'broken.*', '--jobs', '2');
    expect(fourth.stdout).toMatch(/done +one\.mp4/);
    expect(fourth.stdout).toContain('1 done, 2 skipped, 0 failed');
    expect(fourth.code).toBe(0);
  });

  it('writes a page for each file and one for all, and the command that makes the same file', async () => {
    const page = await readFile(at('out', 'upreel-report', 'sub', "two's & <b>.mkv.html"), 'utf8');
    expect(page).toContain('two&#39;s &amp; &lt;b&gt;.mkv');
    const stills = [...page.matchAll(/<img src="([^"]+)"/g)].map(([, address]) =>
      decodeURIComponent(address ?? '').replaceAll('&#39;', "'"),
    );
    const heatMap = stills.splice(8);
    expect(heatMap).toEqual([expect.stringMatching(/stills\/fidelity\.png$/)]);
    expect(stills).toHaveLength(8);
    for (const still of stills) {
      expect((await readFile(at('out', 'upreel-report', 'sub', still))).subarray(0, 2)).toEqual(
        Buffer.from([0xff, 0xd8]),
      );
    }
    const { fidelity } = JSON.parse(
      await readFile(at('out', 'upreel-report', 'sub', "two's & <b>.mkv.json"), 'utf8'),
    ) as { fidelity: { frames: number; consistency: { y: number } } };
    expect(fidelity.frames).toBeGreaterThan(3);
    expect(fidelity.consistency.y).toBeGreaterThan(25);
    const index = await readFile(at('out', 'upreel-report', 'index.html'), 'utf8');
    expect(index).toContain('href="one.mkv.mkv.html"');

    const { command, output } = JSON.parse(
      await readFile(at('out', 'upreel-report', 'one.mkv.mkv.json'), 'utf8'),
    ) as { command: string; output: string };
    const words = command.split(' ').slice(1);
    words[words.indexOf(output)] = at('by-command.mkv');
    expect((await runUpreel(words)).code).toBe(0);
    expect(decodeFrames(at('by-command.mkv'))).toEqual(decodeFrames(output));
  });

  it('stops on Ctrl-C, lists what is unfinished, and goes on', async () => {
    const long = at('long');
    await mkdir(long);
    await makeClip(path.join(long, 'a.mp4'), 150, '160x120');
    await makeClip(path.join(long, 'b.mp4'), 20);
    const args = [
      'upscale',
      long,
      '--scale',
      '4',
      '--model',
      'lanczos',
      '--workers',
      '1',
      '--progress',
      'json',
    ];
    args.push('--segment-seconds', '1', '--encoder', 'ffv1');
    let isStopped = false;
    const stopped = await runUpreel(args, (text, kill) => {
      if (isStopped || !/"segmentsDone":[1-9]/.test(text)) return;
      isStopped = true;
      kill('SIGINT');
    });
    expect(stopped.code).toBe(130);
    expect(stopped.stdout).toContain('0 done, 0 skipped, 0 failed, 2 unfinished');

    const jobs = JSON.parse((await runUpreel(['jobs', 'list', folder, '--json'])).stdout) as object[];
    expect(jobs).toMatchObject([{ source: path.join(long, 'a.mp4'), running: false, frames: 150 }]);
    expect((await runUpreel(['jobs', 'list', folder])).stdout).toMatch(
      /stopped +\d+ % +[1-9]\d*\/\d+ segments/,
    );

    const second = await runUpreel(args);
    expect(second.stderr).toMatch(/"resumedFrames":[1-9]/);
    expect(second.stdout).toContain('2 done, 0 skipped, 0 failed');
    expect((await readdir(long)).sort()).toEqual([
      'a.mp4',
      'a.upreel.mkv',
      'b.mp4',
      'b.upreel.mkv',
      'upreel-report',
    ]);
  });

  it('plans a folder without writing anything', async () => {
    const before = await readdir(folder, { recursive: true });
    const { code, stdout } = await runUpreel(['plan', tapes, '--recursive', '-o', at('elsewhere')]);
    expect(stdout).toMatch(/one\.mkv +64x48 -> 128x96 +40 frames/);
    expect(stdout).toMatch(/broken\.avi +fails/);
    expect(code).toBe(9);
    expect(await readdir(folder, { recursive: true })).toEqual(before);
  });

  it('cleans what was left, and refuses outputs that cannot hold a folder', async () => {
    expect((await runUpreel(['upscale', tapes, '-o', path.join(tapes, 'one.mp4')])).code).toBe(2);
    expect((await runUpreel(['upscale', tapes, '-o', '-'])).code).toBe(2);
    const cleaned = await runUpreel(['jobs', 'clean', folder, '--json']);
    expect(JSON.parse(cleaned.stdout)).toMatchObject({ removed: [], kept: [] });
  });
});
