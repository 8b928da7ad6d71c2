import { mkdir, readdir, rename, rm, symlink, utimes, writeFile, readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { plan, type Plan } from '../../../src/index.ts';
import { parseQueueAddress } from '../../../src/jobs/cluster/queue-address.ts';
import { describeFleet, findMisfit } from '../../../src/jobs/cluster/fleet.ts';
import { Store } from '../../../src/jobs/cluster/store.ts';
import { segmentResultSchema } from '../../../src/pipeline/plan-schema.ts';
import { hashSegment } from '../../../src/pipeline/run-segment.ts';
import { readCapabilities } from '../../../src/ffmpeg/capabilities.ts';
import { ffmpeg, makeFolder, tools } from '../../pipeline/clip-fixture.ts';

const ID = '0123456789abcdef';
const folder = await makeFolder();
afterAll(folder.remove);
const root = folder.path('store');
const keys = { source: 'tapes/clip.mkv', output: 'tapes/big.mkv' };
let store: Store;
let made: Plan;

beforeAll(async () => {
  await mkdir(path.join(root, 'tapes'), { recursive: true });
  store = await Store.open(root);
  const clip = path.join(root, keys.source);
  ffmpeg('-f', 'lavfi', '-i', 'testsrc2=s=64x48:d=1:r=25', '-c:v', 'ffv1', clip);
  made = await plan(clip, { output: path.join(root, keys.output) });
  await store.writeJob(ID, made, store.makePortable(made, keys), { command: 'upreel', options: [] });
});

/** Changes the plan in the store as somebody with evil in mind would. */
async function tamper(change: (text: string) => string): Promise<() => Promise<void>> {
  const file = path.join(root, '.upreel/jobs', ID, 'plan.json');
  const before = await readFile(file, 'utf8');
  await writeFile(file, change(before));
  return async () => writeFile(file, before);
}

describe('Store', () => {
  it('carries a plan to where the store lies elsewhere, with its models', async () => {
    const there = folder.path('elsewhere');
    await rename(root, there);
    const { plan: read, keys: found } = await (await Store.open(there)).readPlan(ID);
    expect(found).toEqual(keys);
    expect(read.decode.path).toBe(path.join(there, keys.source));
    expect(read.assemble.path).toBe(path.join(there, keys.output));
    expect(read.infer.passes[0]?.path).toContain(there);
    expect({ ...read.infer, passes: read.infer.passes.map(({ sha256 }) => sha256) }).toMatchObject({
      passes: made.infer.passes.map(({ sha256 }) => sha256),
    });
    await rename(there, root);
  });

  it.each([
    ['store:../outside.mkv'],
    ['/etc/passwd'],
    ['store:/etc/passwd'],
    ['store:link/passwd'],
    ['store:tapes/../../outside.mkv'],
  ])('does not follow %s', async (address) => {
    await symlink('/etc', path.join(root, 'link')).catch(() => undefined);
    for (const name of ['store:tapes/clip.mkv', 'store:tapes/big.mkv']) {
      const undo = await tamper((text) => text.replaceAll(name, address));
      await expect(store.readPlan(ID)).rejects.toMatchObject({ code: 'STORE_UNUSABLE' });
      await undo();
    }
    await expect(store.files.locate(folder.path('outside.mkv'))).rejects.toMatchObject({
      code: 'STORE_UNUSABLE',
    });
  });

  it('tells a segment that was torn or altered, or whose file is gone, from a whole one', async () => {
    const scratch = await store.makeScratch(ID, 'attempt-0-');
    const file = path.join(scratch, 'segment-00000.mkv');
    await writeFile(file, 'frames');
    const result = segmentResultSchema.parse({
      ...{ index: 0, path: file, bytes: 6, sha256: await hashSegment(file), frames: 25, firstPts: 0 },
      ...{ lastPts: 24, pts: [], complaints: [], device: 'cpu', precision: 'fp32', deviceTried: [] },
      ...{ stageSeconds: { decode: 0, temporal: 0, infer: 0, encode: 0 }, peakArenaBytes: 0 },
    });
    expect(await store.hasSegment(ID, 0)).toBe(false);
    await store.keepSegment(ID, result);
    expect(await store.hasSegment(ID, 0)).toBe(true);
    const kept = await store.fetchSegment(ID, 0, scratch);
    expect(kept).toMatchObject({ frames: 25, sha256: result.sha256 });
    await writeFile(kept?.path ?? '', 'frame');
    expect(await store.fetchSegment(ID, 0, scratch)).toBeNull();
    await rm(kept?.path ?? '');
    expect(await store.fetchSegment(ID, 0, scratch)).toBeNull();
  });

  it('refuses plans of other versions, altered models and altered sources', async () => {
    const undo = await tamper((text) => text.replace(/"version":\d+/, '"version":1'));
    await expect(store.readPlan(ID)).rejects.toMatchObject({ code: 'PLAN_INVALID' });
    await undo();

    const clip = path.join(root, keys.source);
    await utimes(clip, new Date(), new Date());
    await store.readPlan(ID);
    const models = path.join(root, '.upreel/models');
    const [model = ''] = await readdir(models);
    await writeFile(path.join(models, model), 'x', { flag: 'a' });
    const fresh = await Store.open(root);
    await expect(fresh.readPlan(ID)).rejects.toMatchObject({ code: 'MODEL_INVALID' });
    await writeFile(clip, 'x', { flag: 'a' });
    await expect(store.readPlan(ID)).rejects.toMatchObject({ code: 'SOURCE_UNREADABLE' });
  });
});

describe('fleets', () => {
  it('differ by all that decides pixels', () => {
    const traits = { ffmpeg: '5.1', onnxruntime: '1.30', device: 'cpu', processor: 'x64 avx2' };
    const fleets = Object.keys(traits).map((trait) => describeFleet({ ...traits, [trait]: 'other' }));
    expect(new Set([describeFleet(traits), ...fleets]).size).toBe(5);
  });

  it('have what a plan needs, or say what they lack', async () => {
    const capabilities = await readCapabilities(tools);
    expect(findMisfit(made, capabilities)).toBeNull();
    const without = new Set([...capabilities.encoders].filter((name) => name !== made.encode.encoder));
    expect(findMisfit(made, { ...capabilities, encoders: without })).toContain(made.encode.encoder);
  });
});

describe('parseQueueAddress', () => {
  it('reads host, database, password and TLS, and shows no password', () => {
    const { text, connection } = parseQueueAddress('rediss://me:p%40ss@host.example:6380/2');
    expect(connection).toMatchObject({
      ...{ host: 'host.example', port: 6380, db: 2, username: 'me', password: 'p@ss' },
      tls: { servername: 'host.example' },
    });
    expect(text).toBe('host.example:6380/2');
    expect(parseQueueAddress('redis://[::1]').connection).toMatchObject({ host: '::1', port: 6379, db: 0 });
  });

  it.each(['', 'redis:', 'http://host/0', 'redis://secret@host/x', 'secret'])(
    'refuses %j without repeating it',
    (url) => {
      expect(() => parseQueueAddress(url)).toThrow(expect.objectContaining({ code: 'USAGE' }));
      expect(() => parseQueueAddress(url)).not.toThrow(/secret/);
    },
  );
});
