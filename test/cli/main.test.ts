import { readFile, readdir, truncate, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { makeClip, makeFolder, runUpreel, spawnUpreel, useEmbedded } from './command-line.ts';

let folder = '';
let clip = '';

beforeAll(async () => {
  await useEmbedded();
  folder = await makeFolder();
  clip = path.join(folder, 'a clip.mp4');
  await makeClip(clip, 10);
});

describe('upreel', () => {
  it('without anything says what there is, and that something is missing', async () => {
    const { code, stdout, stderr } = await runUpreel([]);
    expect(code).toBe(2);
    expect(stdout).toBe('');
    for (const command of ['upscale', 'plan', 'probe', 'verify', 'doctor']) expect(stderr).toContain(command);
  });

  it('knows its version and helps with each command', async () => {
    const manifest = JSON.parse(
      await readFile(new URL('../../package.json', import.meta.url), 'utf8'),
    ) as object;
    expect((await runUpreel(['--version'])).stdout).toBe(`${(manifest as { version: string }).version}\n`);
    const help = await runUpreel(['upscale', '--help']);
    expect(help).toMatchObject({ code: 0, stderr: '' });
    expect(help.stdout).toContain('--encoder-args');
    expect(help.stdout).toContain('mezzanine');
  });

  it.each([
    [['upscal', 'x'], 'upscal'],
    [['upscale'], 'No input'],
    [['upscale', 'x', '--sacle', '2'], 'sacle'],
    [['upscale', 'x', '--scale'], 'scale'],
    [['upscale', 'x', '--scale', 'two'], '--scale'],
    [['upscale', 'x', '--deinterlace', 'yes'], '--deinterlace'],
    [['upscale', 'x', '-y', '-n'], '-n'],
    [['upscale', 'x', '--json', '-o', '-'], 'standard output'],
    [['probe'], 'argument'],
    [['probe', 'a', 'b'], 'b'],
  ])('ends with 2 for %j and names what is wrong', async (args, word) => {
    const { code, stdout, stderr } = await runUpreel(args);
    expect(stderr).toContain(word);
    expect(stderr).toMatch(/^upreel: [^\n]+\.\n {2}[^\n]+\.\n$/);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  });

  it('ends with 3 for a file that is not there, without a stack', async () => {
    const { code, stderr } = await runUpreel(['probe', path.join(folder, 'none.mp4')]);
    expect(code).toBe(3);
    expect(stderr).toContain('none.mp4');
    expect(stderr).not.toMatch(/\n {4}at /);
    expect((await runUpreel(['probe', path.join(folder, 'none.mp4'), '--verbose'])).stderr).toMatch(
      /\n {4}at /,
    );
  });

  it('probes, for people and for programs', async () => {
    expect((await runUpreel(['probe', clip])).stdout).toContain('64x48');
    const source = JSON.parse((await runUpreel(['probe', clip, '--json'])).stdout) as { video: object };
    expect(source.video).toMatchObject({ width: 64, height: 48, scan: { frames: 10 } });
  });

  it('plans and writes nothing', async () => {
    const before = await readdir(folder);
    const { code, stdout } = await runUpreel([
      'plan',
      clip,
      '--model',
      'bicubic',
      '--preset',
      'web',
      '--to',
      '720p',
    ]);
    expect(code).toBe(0);
    expect(stdout).toContain('960x720');
    expect(stdout).toMatch(/crf +20 +by the preset web/);
    expect(await readdir(folder)).toEqual(before);
  });
});

describe('upreel upscale', () => {
  it('makes the file beside the source, verifies it and says so', async () => {
    const { code, stdout, stderr } = await runUpreel(['upscale', clip, '--model', 'bicubic']);
    expect(stderr).toContain('10/10 frames');
    expect(stdout).toContain('The output holds what was promised.');
    expect(stdout.trimEnd().split('\n').at(-1)).toContain(path.join(folder, 'a clip.upreel.mp4'));
    expect(code).toBe(0);
  });

  it('leaves an output that exists alone until it is told to replace it', async () => {
    const output = path.join(folder, 'kept.mp4');
    await writeFile(output, 'mine');
    const args = ['upscale', clip, '-o', output, '--model', 'nearest', '--no-progress'];
    expect((await runUpreel(args)).code).toBe(4);
    expect(await readFile(output, 'utf8')).toBe('mine');
    expect((await runUpreel([...args, '-y'])).code).toBe(0);
    expect((await stat(output)).size).toBeGreaterThan(1000);
  });

  it('gives its result as one document, and progress as one object a line', async () => {
    const output = path.join(folder, 'document.mkv');
    const args = ['upscale', '-i', clip, '-o', output, '--model', 'lanczos', '--json', '--progress', 'json'];
    const { code, stdout, stderr } = await runUpreel(args);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ result: { output, frames: 10 }, verify: { ok: true } });
    expect(stdout).not.toContain('"pts"');
    const events = stderr
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { type: string });
    expect(events[0]).toEqual({ type: 'stage', stage: 'probe' });
    expect(events.filter(({ type }) => type === 'progress').at(-1)).toMatchObject({
      frames: 10,
      totalFrames: 10,
    });
  });

  it('writes the video alone to standard output', async () => {
    const args = ['upscale', clip, '-o', '-', '--model', 'nearest', '--progress', 'none'];
    const { code, stdout, stderr } = await runUpreel(args);
    expect(stderr).toContain('standard output');
    expect(stdout.slice(0, 4)).toBe('\x1aE\xdf\xa3'); // EBML, the head of Matroska
    expect(code).toBe(0);
  });

  it('says so when nobody reads standard output to its end', async () => {
    // More than a pipe holds.
    const large = path.join(folder, 'large.mp4');
    await makeClip(large, 10, '320x240');
    const { code, stderr } = await new Promise<{ code: number | null; stderr: string }>((resolve) => {
      const args = ['upscale', large, '-o', '-', '--encoder', 'prores', '--scale', '4', '--model', 'nearest'];
      const child = spawnUpreel(args);
      let said = '';
      child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
      child.stdout.once('data', () => child.stdout.destroy());
      child.on('close', (status) => {
        resolve({ code: status, stderr: said });
      });
    });
    expect(stderr).toContain('The reader of standard output closed it before the end.');
    expect(code).toBe(4);
  });

  it('ends with 7 when the source was damaged, and with 3 under --strict', async () => {
    const damaged = path.join(folder, 'cut.mkv');
    await makeClip(damaged, 50);
    await truncate(damaged, Math.floor((await stat(damaged)).size / 2) + 77);
    const args = [
      'upscale',
      damaged,
      '--model',
      'nearest',
      '--no-progress',
      '-o',
      path.join(folder, 'whole.mkv'),
    ];
    const strict = await runUpreel([...args, '--strict']);
    const lenient = await runUpreel(args);
    expect([lenient.code, strict.code]).toEqual([7, 3]);
    expect(lenient.stdout).toContain('Damage');
  });

  it('stops on Ctrl-C, leaves no output, and goes on when asked again', async () => {
    const long = path.join(folder, 'long.mp4');
    const output = path.join(folder, 'long.big.mp4');
    await makeClip(long, 125, '320x240');
    const args = ['upscale', long, '-o', output, '--to', '720p', '--model', 'lanczos', '--workers', '1'];
    const rest = ['--segment-seconds', '1', '--progress', 'json'];
    let stoppedAt = 0;
    const { code, stderr } = await runUpreel([...args, ...rest], (text, kill) => {
      if (stoppedAt !== 0 || !/"segmentsDone":[1-9]/.test(text)) return;
      stoppedAt = performance.now();
      kill('SIGINT');
    });
    expect(performance.now() - stoppedAt).toBeLessThan(30_000);
    expect(stderr).toMatch(/Stopped at frame \d+ of 125, with [1-9]\d* of \d+ segments finished and kept\./);
    expect(code).toBe(130);
    expect(await readdir(folder)).not.toContain('long.big.mp4');

    const second = await runUpreel([...args, ...rest]);
    expect(second.stderr).toMatch(/"resumedFrames":[1-9]/);
    expect(second.code).toBe(0);
    expect((await readdir(folder)).filter((name) => name.includes('upreel-work'))).toEqual([]);
  });
});

describe('upreel verify', () => {
  it('ends with 0 for what holds its source and with 8 for what does not', async () => {
    const output = path.join(folder, 'verified.mp4');
    await runUpreel(['upscale', clip, '-o', output, '--model', 'bicubic', '--no-progress']);
    expect((await runUpreel(['verify', clip, output])).code).toBe(0);
    const shorter = path.join(folder, 'shorter.mp4');
    await makeClip(shorter, 8, '128x96');
    const { code, stdout } = await runUpreel(['verify', clip, shorter, '--json']);
    expect(code).toBe(8);
    expect(JSON.parse(stdout)).toMatchObject({ ok: false });
  });
});

describe('upreel doctor', () => {
  it('says what there is', async () => {
    const { code, stdout } = await runUpreel(['doctor', '--json']);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      ffmpeg: { origin: expect.any(String) as string },
      devices: expect.arrayContaining([
        expect.objectContaining({ device: 'cpu', available: true }),
      ]) as unknown,
      models: expect.arrayContaining([expect.objectContaining({ isDefault: true })]) as unknown,
      problems: [],
    });
  });
});
