import { createHash } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { pipeBytes } from '../../src/ffmpeg/pipe-bytes.ts';
import { findTools } from '../../src/ffmpeg/tools.ts';
import { writeOnnx } from '../../src/infer/graph/onnx-model.ts';
import { loadRegistry } from '../../src/infer/registry.ts';
import { makeNetwork } from '../infer/graph-fixture.ts';
import { startServer } from '../infer/model-server.ts';
import { makeClip, makeFolder, runUpreel, useEmbedded } from './command-line.ts';

const NETWORK = Buffer.from(writeOnnx(makeNetwork({ scale: 2 })));
const OTHER = Buffer.from(writeOnnx(makeNetwork({ scale: 3 })));
/** A model that comes with Upreel. */
const SHIPPED = (await loadRegistry()).default.id;
const hashOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

let folder = '';
let home = '';
let server = '';

beforeAll(async () => {
  await useEmbedded();
  folder = await makeFolder();
  await writeFile(path.join(folder, 'Tiny Net.onnx'), NETWORK);
  await writeFile(path.join(folder, 'other.onnx'), OTHER);
  await makeClip(path.join(folder, 'clip.mp4'), 30, '96x64');
  server = await startServer({
    '/far.onnx': (response) => response.setHeader('content-length', NETWORK.length).end(NETWORK),
    '/slow.onnx': (response) =>
      response.writeHead(200, { 'content-length': 1000 }).write(NETWORK.subarray(0, 50)),
  });
});

beforeEach(async () => {
  home = await makeFolder();
  process.env['XDG_DATA_HOME'] = home;
});

const listHome = async (): Promise<string[]> => readdir(path.join(home, 'upreel', 'models')).catch(() => []);

describe('upreel models', () => {
  it('says which commands there are', async () => {
    const alone = await runUpreel(['models']);
    expect(alone).toMatchObject({ code: 2, stdout: '' });
    const help = await runUpreel(['models', '--help']);
    expect(help).toMatchObject({ code: 0, stderr: '' });
    for (const word of ['list', 'show', 'add', 'remove', 'bench', 'compare']) {
      expect(alone.stderr).toContain(`upreel models ${word}`);
      expect(help.stdout).toContain(`upreel models ${word}`);
    }
    expect((await runUpreel(['models', 'add', '--help'])).stdout).toContain('--sha256');
    expect((await runUpreel(['--help'])).stdout).toContain('upreel models <command>');
  });

  it.each([
    [['models', 'ad'], 'models ad'],
    [['models', 'add'], 'argument'],
    [['models', 'show', SHIPPED, 'x'], 'x'],
    [['models', 'list', '--scale', '2'], 'scale'],
    [['models', 'bench', '--size', '5x5'], '--size'],
    [['models', 'compare', 'x.mp4'], '--at'],
    [['models', 'compare', 'x.mp4', '--at', 'noon'], '--at'],
    [['models', 'remove', SHIPPED], 'comes with Upreel'],
  ])('ends with 2 for %j and names what is wrong', async (args, word) => {
    const { code, stdout, stderr } = await runUpreel(args);
    expect(stderr).toContain(word);
    expect(stderr).toMatch(/^upreel: [^\n]+\.\n {2}[^\n]+\.\n$/);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  });

  it('adds a file, lists it, shows it, upscales with it and removes it', async () => {
    const added = await runUpreel([
      'models',
      'add',
      path.join(folder, 'Tiny Net.onnx'),
      '--license',
      'CC0-1.0',
    ]);
    expect(added).toMatchObject({ code: 0, stderr: '' });
    expect(added.stdout).toContain('Added tiny-net');
    const list = JSON.parse((await runUpreel(['models', 'list', '--json'])).stdout) as object[];
    expect(list[0]).toMatchObject({ isDefault: true, isShipped: true });
    expect(list).toContainEqual({
      id: 'tiny-net',
      title: 'Tiny Net',
      scale: 2,
      channels: 1,
      bytes: NETWORK.length,
      isDefault: false,
      isShipped: false,
      directory: path.join(home, 'upreel', 'models', 'tiny-net'),
    });
    expect((await runUpreel(['models', 'list'])).stdout).toMatch(/tiny-net +Tiny Net +2x +luma/);
    const shown = await runUpreel(['models', 'show', 'tiny-net']);
    for (const word of ['CC0-1.0', 'Tiny Net.onnx', hashOf(NETWORK)]) expect(shown.stdout).toContain(word);
    const planned = await runUpreel(['plan', path.join(folder, 'clip.mp4'), '--model', 'tiny-net']);
    expect(planned).toMatchObject({ code: 0 });
    const removed = await runUpreel(['models', 'remove', 'tiny-net', '--json']);
    expect(JSON.parse(removed.stdout)).toMatchObject({ id: 'tiny-net' });
    expect(await listHome()).toEqual([]);
    expect(await runUpreel(['models', 'remove', 'tiny-net'])).toMatchObject({ code: 5 });
  });

  it('shows what ships and what lies at a path', async () => {
    const shipped = JSON.parse((await runUpreel(['models', 'show', SHIPPED, '--json'])).stdout) as object;
    expect(shipped).toMatchObject({
      facts: { id: SHIPPED, scale: 2 },
      manifest: { id: SHIPPED, license: 'MIT' },
      isShipped: true,
      card: expect.stringMatching(/CARD\.md$/) as string,
    });
    const text = (await runUpreel(['models', 'show', SHIPPED])).stdout;
    expect(text).toContain('dB over Lanczos');
    const file = await runUpreel(['models', 'show', path.join(folder, 'other.onnx')]);
    expect(file.stdout).toMatch(/scale +3 times/);
    expect(await runUpreel(['models', 'show', 'nothing'])).toMatchObject({ code: 5 });
  });

  it('adds from a server, refuses what has another hash, and replaces only when it is told to', async () => {
    const url = `${server}/far.onnx`;
    const wrong = await runUpreel(['models', 'add', url, '--sha256', hashOf(OTHER), '--no-progress']);
    expect(wrong).toMatchObject({ code: 5, stdout: '' });
    expect(wrong.stderr).toContain(hashOf(NETWORK));
    expect(await listHome()).toEqual([]);
    const added = await runUpreel(['models', 'add', url, '--sha256', hashOf(NETWORK), '--json']);
    expect(JSON.parse(added.stdout)).toMatchObject({
      outcome: 'added',
      manifest: { id: 'far', source: { from: url } },
    });
    expect(added.stderr).toContain('100 %');
    expect((await runUpreel(['models', 'add', url])).stdout).toContain('there already');
    const other = ['models', 'add', path.join(folder, 'other.onnx'), '--name', 'far'];
    expect(await runUpreel(other)).toMatchObject({ code: 4, stdout: '' });
    expect((await runUpreel([...other, '-y'])).stdout).toContain('Replaced far');
    expect(await listHome()).toEqual(['far']);
    expect(await runUpreel(['models', 'add', `${server}/none.onnx`])).toMatchObject({ code: 5 });
  });

  it('leaves nothing behind after Ctrl-C', async () => {
    let sent = false;
    const { code, stderr } = await runUpreel(['models', 'add', `${server}/slow.onnx`], (text, kill) => {
      if (sent || !text.includes('Fetching')) return;
      sent = true;
      kill('SIGINT');
    });
    expect({ code, sent }, stderr).toEqual({ code: 130, sent: true });
    expect(await listHome()).toEqual([]);
  });
});

describe('upreel models bench', () => {
  it('measures speed and quality', async () => {
    const tiny = path.join(folder, 'Tiny Net.onnx');
    const { code, stdout, stderr } = await runUpreel([
      ...[
        'models',
        'bench',
        tiny,
        'bicubic',
        '--size',
        '64x48',
        '--device',
        'cpu',
        '--threads',
        '1',
        '--json',
      ],
    ]);
    expect(code, stderr).toBe(0);
    const report = JSON.parse(stdout) as { models: { gains: Record<string, number> }[] };
    expect(report).toMatchObject({ size: '64x48', threads: 1, reference: SHIPPED });
    expect(report.models).toMatchObject([
      { id: 'Tiny Net', scale: 2, device: 'cpu', error: null },
      { id: 'bicubic', device: 'cpu', error: null },
    ]);
    // Repeated samples are worse than bicubic, and that is worse than Lanczos.
    const [tinyGain = 0, filterGain = 0] = report.models.map(({ gains }) => gains['clean']);
    expect(tinyGain).toBeLessThan(filterGain);
    expect(filterGain).toBeLessThan(0);
  });

  it('goes on where one model fails, and says so in the end', async () => {
    const { code, stdout } = await runUpreel([
      ...[
        'models',
        'bench',
        SHIPPED,
        'bicubic',
        '--size',
        '64x48',
        '--device',
        'directml',
        '--no-progress',
        '--json',
      ],
    ]);
    expect(code).toBe(5);
    expect((JSON.parse(stdout) as { models: object[] }).models).toMatchObject([
      { id: SHIPPED, milliseconds: null, gains: null, error: { code: 'DEVICE_UNAVAILABLE' } },
      { id: 'bicubic', error: null },
    ]);
  });
});

describe('upreel models compare', () => {
  it('draws labelled crops of each moment side by side', async () => {
    const clip = path.join(folder, 'clip.mp4');
    const output = path.join(folder, 'sheet.png');
    const args = [
      ...[
        'models',
        'compare',
        clip,
        '--at',
        '0.2',
        '--at',
        '1',
        '--models',
        `${SHIPPED},${path.join(folder, 'Tiny Net.onnx')}`,
      ],
      ...['--crop', '48x40+8+4', '--zoom', '3', '-o', output, '--json'],
    ];
    const { code, stdout, stderr } = await runUpreel(args);
    expect(code, stderr).toBe(0);
    const cell = { width: 48 * 2 * 3, height: 40 * 2 * 3 };
    const size = { width: 8 + 4 * (cell.width + 8), height: 32 + 2 * (24 + cell.height + 8) };
    expect(JSON.parse(stdout)).toMatchObject({
      output,
      ...size,
      crop: { width: 48, height: 40, x: 8, y: 4 },
      frames: [{ seconds: 0.2 }, { seconds: 1 }],
      columns: [
        { label: 'source (nearest)', model: 'nearest' },
        { label: 'lanczos' },
        { label: SHIPPED, device: 'cpu' },
        { label: 'Tiny Net.onnx' },
      ],
    });
    const png = await readFile(output);
    expect([png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual([size.width, size.height]);
    const pixels = await pipeBytes(await findTools(), png, {
      input: ['-f', 'png_pipe'],
      output: ['-f', 'rawvideo', '-pix_fmt', 'gray'],
      what: 'reading the sheet',
    });
    const cut = (column: number, row: number, top: number, height: number): string =>
      Array.from({ length: height }, (_, y) => {
        const start = (32 + row * (32 + cell.height) + top + y) * size.width + 8 + column * (cell.width + 8);
        return pixels.subarray(start, start + cell.width).toString('hex');
      }).join('\n');
    const [labels, pictures] = [new Set<string>(), new Set<string>()];
    for (const row of [0, 1]) {
      for (const column of [0, 1, 2, 3]) {
        labels.add(cut(column, row, 0, 24));
        pictures.add(cut(column, row, 24, cell.height));
      }
    }
    expect(labels.size).toBe(8);
    // The tiny network repeats samples, which is what nearest does with luma.
    expect(pictures.size).toBe(8);

    expect(await runUpreel(args)).toMatchObject({ code: 4, stdout: '' });
    expect((await readdir(folder)).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  it('finds the detail by itself, and names the sheet after the source', async () => {
    const clip = path.join(folder, 'clip.mp4');
    const { code, stdout } = await runUpreel([
      'models',
      'compare',
      clip,
      '--at',
      '0',
      '--models',
      'lanczos',
      '--no-progress',
    ]);
    expect(code).toBe(0);
    expect(stdout).toContain('crop 96x64+0+0');
    expect(await readdir(folder)).toContain('clip.compare.png');
  });

  it.each([
    [['--at', '90'], 'no frame at 90 s'],
    [['--at', '0', '--crop', '90x60+10+10'], 'does not lie inside'],
  ])('refuses %j', async (args, word) => {
    const output = path.join(folder, 'refused.png');
    const { code, stderr } = await runUpreel([
      ...[
        'models',
        'compare',
        path.join(folder, 'clip.mp4'),
        ...args,
        '--models',
        'lanczos',
        '-o',
        output,
        '--no-progress',
      ],
    ]);
    expect(stderr).toContain(word);
    expect(code).toBe(2);
    expect(await readdir(folder)).not.toContain('refused.png');
  });
});

describe('upreel still', () => {
  it('draws nothing before all models are known', async () => {
    const clip = path.join(folder, 'clip.mp4');
    const { stderr } = await runUpreel(['still', clip, '--at', '0', '--models', 'lanczos,blurry']);
    expect(stderr).toContain('no model named blurry');
    expect(stderr).not.toContain('Drawing');
  });

  it('draws whole frames by the models that were named', async () => {
    const output = path.join(folder, 'still.png');
    const { code, stdout, stderr } = await runUpreel([
      ...['still', path.join(folder, 'clip.mp4'), '--at', '00:00:00.5', '--models', 'lanczos,bicubic'],
      ...['-o', output, '--json'],
    ]);
    expect(code, stderr).toBe(0);
    const drawn = JSON.parse(stdout) as { width: number; height: number };
    expect(drawn).toMatchObject({
      ...{ output, height: 32 + 24 + 2 * 64 + 8 },
      columns: [{ label: 'lanczos' }, { label: 'bicubic' }],
    });
    const png = await readFile(output);
    expect([png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual([drawn.width, drawn.height]);
  });

  it('never replaces the source', async () => {
    const clip = path.join(folder, 'clip.mp4');
    const before = hashOf(await readFile(clip));
    const args = ['still', clip, '--at', '0', '--models', 'lanczos', '-o', clip, '-y'];
    expect(await runUpreel(args)).toMatchObject({
      code: 4,
      stderr: expect.stringContaining('is the source itself') as string,
    });
    expect(hashOf(await readFile(clip))).toBe(before);
  });
});
