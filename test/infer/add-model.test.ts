import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { addModel, type AddModelOptions } from '../../src/infer/add-model.ts';
import { writeOnnx } from '../../src/infer/graph/onnx-model.ts';
import { loadRegistry, modelDirectories } from '../../src/infer/registry.ts';
import { removeModel } from '../../src/infer/remove-model.ts';
import { makeNetwork, placeModel } from './graph-fixture.ts';
import { startServer } from './model-server.ts';

const NETWORK = writeOnnx(makeNetwork({ scale: 3 }));
const OTHER = writeOnnx(makeNetwork({ scale: 2 }));
/** A model that comes with Upreel. */
const SHIPPED = (await loadRegistry()).default.id;
const hashOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const file = await placeModel(NETWORK, '3x_Tiny Nét (v2)');

const home = await mkdtemp(path.join(os.tmpdir(), 'upreel-home-'));
afterAll(() => rm(home, { recursive: true, force: true }));
const directories: [string, ...string[]] = [home, modelDirectories({}).at(-1) ?? ''];
const add = (source: string, options: AddModelOptions = {}): ReturnType<typeof addModel> =>
  addModel(source, { directories, ...options });

beforeEach(async () => {
  await rm(home, { recursive: true, force: true });
});

/** What stands in the user's folder, hidden things too. */
const listHome = async (): Promise<string[]> => readdir(home).catch(() => []);

describe('adding a file', () => {
  it('stores it with a manifest under a clean name, and it is found by that', async () => {
    const { model, outcome } = await add(file);
    expect(outcome).toBe('added');
    expect(model).toMatchObject({
      id: '3x_tiny-net-v2',
      license: 'unknown',
      facts: { scale: 3, channels: 1 },
    });
    expect(model.manifest.source).toEqual({
      from: '3x_Tiny Nét (v2).onnx',
      sha256: hashOf(NETWORK),
      format: 'onnx',
    });
    expect((await readdir(model.directory)).sort()).toEqual(['3x_tiny-net-v2.onnx', 'manifest.json']);
    const facts = await (await loadRegistry({ directories })).resolve('3x_tiny-net-v2');
    expect(new Uint8Array(await readFile(facts.path ?? ''))).toEqual(new Uint8Array(NETWORK));
    expect(await listHome()).toEqual(['3x_tiny-net-v2']);
  });

  it('takes a name and a licence', async () => {
    const { model } = await add(file, { name: 'mine', license: 'CC-BY-4.0', sha256: hashOf(NETWORK) });
    expect(model).toMatchObject({ id: 'mine', license: 'CC-BY-4.0' });
  });

  it.each(['lanczos', SHIPPED, 'Mine', '../up', '', 'x.onnx', 'a'.repeat(65)])(
    'refuses %j as a name',
    async (name) => {
      await expect(add(file, { name })).rejects.toMatchObject({ code: 'USAGE' });
      expect(await listHome()).toEqual([]);
    },
  );

  it('leaves what has the name, unless it is the same or is to be replaced', async () => {
    const other = await placeModel(OTHER);
    await add(file, { name: 'mine' });
    expect(await add(file, { name: 'mine' })).toMatchObject({ outcome: 'present' });
    await expect(add(other, { name: 'mine' })).rejects.toMatchObject({ code: 'OUTPUT_EXISTS' });
    expect((await loadRegistry({ directories })).list()).toContainEqual(
      expect.objectContaining({ id: 'mine', facts: expect.objectContaining({ scale: 3 }) as object }),
    );
    const replaced = await add(other, { name: 'mine', replace: true });
    expect(replaced).toMatchObject({ outcome: 'replaced', model: { facts: { scale: 2 } } });
    expect(await listHome()).toEqual(['mine']);
  });

  it('leaves a folder that is no model alone, unless it is to be replaced', async () => {
    await mkdir(path.join(home, 'mine'), { recursive: true });
    await writeFile(path.join(home, 'mine', 'notes.txt'), 'important');
    await expect(add(file, { name: 'mine' })).rejects.toMatchObject({ code: 'OUTPUT_EXISTS' });
    expect(await readFile(path.join(home, 'mine', 'notes.txt'), 'utf8')).toBe('important');
    expect(await add(file, { name: 'mine', replace: true })).toMatchObject({ outcome: 'added' });
  });

  it.each([
    ['/nowhere/net.onnx', {}, 'MODEL_NOT_FOUND'],
    ['/nowhere/net.param', {}, 'MODEL_NOT_FOUND'],
    [file, { sha256: hashOf(OTHER) }, 'MODEL_INVALID'],
    [file, { sha256: 'abc' }, 'USAGE'],
    [import.meta.filename, {}, 'MODEL_INVALID'],
  ])('says what is wrong with %j %j and leaves nothing', async (source, options, code) => {
    await expect(add(source, options)).rejects.toMatchObject({ code });
    expect(await listHome()).toEqual([]);
  });

  it('speaks of the file that was given, not of its copy', async () => {
    const broken = await placeModel(NETWORK.subarray(0, 100), 'broken');
    await expect(add(broken)).rejects.toMatchObject({
      code: 'MODEL_INVALID',
      message: expect.stringMatching(/^broken\.onnx /) as string,
    });
    expect(await listHome()).toEqual([]);
  });

  it('says where nothing can be written', async () => {
    await expect(addModel(file, { directories: [path.join(file, 'in-a-file')] })).rejects.toMatchObject({
      code: 'OUTPUT_UNWRITABLE',
    });
  });

  it('stops when it is asked to', async () => {
    await expect(add(file, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ABORTED' });
    expect(await listHome()).toEqual([]);
  });
});

describe('adding from a server', () => {
  const aborting = new AbortController();
  const base = startServer({
    '/net.onnx': (response) => response.setHeader('content-length', NETWORK.length).end(NETWORK),
    '/chunked/Any%20Net.onnx': (response) => {
      response.write(NETWORK.subarray(0, 50));
      response.end(NETWORK.subarray(50));
    },
    '/moved/net.onnx': (response) => response.writeHead(302, { location: '/net.onnx' }).end(),
    '/round': (response) => response.writeHead(301, { location: '/round' }).end(),
    '/abroad': (response) => response.writeHead(302, { location: 'http://example.invalid/net.onnx' }).end(),
    '/disk': (response) => response.writeHead(302, { location: 'file:///etc/passwd' }).end(),
    '/cut.onnx': (response) => {
      response.writeHead(200, { 'content-length': NETWORK.length }).write(NETWORK.subarray(0, 100));
      setImmediate(() => response.destroy());
    },
    '/slow.onnx': (response) => response.writeHead(200).write(NETWORK.subarray(0, 100)),
    '/stopped.onnx': (response) => {
      response.writeHead(200).write(NETWORK.subarray(0, 100));
      setImmediate(() => aborting.abort());
    },
    '/secret.onnx': (response, request) => {
      const { authorization } = request.headers;
      const right = authorization === `Basic ${Buffer.from('me:pass word').toString('base64')}`;
      response.writeHead(right ? 200 : 401).end(right ? NETWORK : '');
    },
    '/no-model.onnx': (response) => response.end('<html>Please sign in</html>'),
  });

  it.each(['/net.onnx', '/moved/net.onnx', '/chunked/Any%20Net.onnx'])('takes %s', async (at) => {
    const url = `${await base}${at}`;
    const seen: number[] = [];
    const { model } = await add(url, { sha256: hashOf(NETWORK), onProgress: (bytes) => seen.push(bytes) });
    expect(model.manifest.source).toMatchObject({ from: url, sha256: hashOf(NETWORK) });
    expect(seen.at(-1)).toBe(NETWORK.length);
    expect(await listHome()).toEqual([model.id]);
  });

  it('sends the credentials of the address and stores none of them', async () => {
    const url = `${(await base).replace('//', '//me:pass%20word@')}/secret.onnx?token=abc`;
    const { model } = await add(url);
    expect(await readFile(path.join(model.directory, 'manifest.json'), 'utf8')).not.toMatch(/pass|abc/);
    const wrong = add(url.replace('me', 'you'), { name: 'other' });
    await expect(wrong).rejects.toMatchObject({ message: expect.not.stringMatching(/pass|abc/) as string });
  });

  it.each([
    ['/none.onnx', {}, 'MODEL_NOT_FOUND'],
    ['/round', {}, 'MODEL_NOT_FOUND'],
    ['/abroad', {}, 'USAGE'],
    ['/disk', {}, 'USAGE'],
    ['/cut.onnx', {}, 'MODEL_NOT_FOUND'],
    ['/slow.onnx', { limits: { patience: 200 } }, 'MODEL_NOT_FOUND'],
    ['/stopped.onnx', { signal: aborting.signal }, 'ABORTED'],
    ['/net.onnx', { limits: { mostBytes: 100 } }, 'MODEL_INVALID'],
    ['/chunked/Any%20Net.onnx', { limits: { mostBytes: 100 } }, 'MODEL_INVALID'],
    ['/net.onnx', { sha256: hashOf(OTHER) }, 'MODEL_INVALID'],
    ['/no-model.onnx', {}, 'MODEL_INVALID'],
    ['/', {}, 'USAGE'],
  ] as [string, AddModelOptions, string][])(
    'ends %s %j with %s and leaves nothing',
    async (at, options, code) => {
      await expect(add(`${await base}${at}`, options)).rejects.toMatchObject({ code });
      expect(await listHome()).toEqual([]);
    },
  );

  it('goes no unsafe way to other machines', async () => {
    await expect(add('http://example.invalid/net.onnx')).rejects.toMatchObject({ code: 'USAGE' });
    // With a hash it may, and finds that nobody is there.
    await expect(add('http://example.invalid/net.onnx', { sha256: hashOf(NETWORK) })).rejects.toMatchObject({
      code: 'MODEL_NOT_FOUND',
    });
  });
});

describe('removing', () => {
  it('takes away what was added, and nothing else', async () => {
    const { model } = await add(file);
    expect(await removeModel(model.id, { directories })).toMatchObject({ id: model.id });
    expect(await listHome()).toEqual([]);
    await expect(removeModel(model.id, { directories })).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' });
    await expect(removeModel(SHIPPED, { directories })).rejects.toMatchObject({ code: 'USAGE' });
  });
});
