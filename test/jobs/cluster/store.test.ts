import { mkdir, readdir, rename, symlink, utimes, writeFile, readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { plan, type Plan } from '../../../src/index.ts';
import { parseQueueAddress } from '../../../src/jobs/cluster/queue-address.ts';
import { describeFleet, findMisfit } from '../../../src/jobs/cluster/fleet.ts';
import { Store } from '../../../src/jobs/cluster/store.ts';
import { readCapabilities } from '../../../src/ffmpeg/capabilities.ts';
import { ffmpeg, makeFolder, tools } from '../../pipeline/clip-fixture.ts';

const ID = '0123456789abcdef';
const folder = await makeFolder();
afterAll(folder.remove);
let store: Store;
let made: Plan;

beforeAll(async () => {
  await mkdir(folder.path('store/tapes'), { recursive: true });
  store = await Store.open(folder.path('store'));
  const clip = path.join(store.root, 'tapes/clip.mkv');
  ffmpeg('-f', 'lavfi', '-i', 'testsrc2=s=64x48:d=1:r=25', '-c:v', 'ffv1', clip);
  made = await plan(clip, { output: path.join(store.root, 'tapes/big.mkv') });
  await store.writePlan(ID, made);
});

/** Changes the plan in the store as somebody with evil in mind would. */
async function tamper(change: (text: string) => string): Promise<() => Promise<void>> {
  const file = path.join(store.jobFolder(ID), 'plan.json');
  const before = await readFile(file, 'utf8');
  await writeFile(file, change(before));
  return async () => writeFile(file, before);
}

describe('Store', () => {
  it('carries a plan to where the store lies elsewhere, with its models', async () => {
    await rename(store.root, folder.path('elsewhere'));
    const elsewhere = await Store.open(folder.path('elsewhere'));
    const read = await elsewhere.readPlan(ID);
    expect(read.decode.path).toBe(path.join(elsewhere.root, 'tapes/clip.mkv'));
    expect(read.assemble.path).toBe(path.join(elsewhere.root, 'tapes/big.mkv'));
    expect(read.infer.passes[0]?.path).toContain(elsewhere.root);
    expect({ ...read.infer, passes: read.infer.passes.map(({ sha256 }) => sha256) }).toMatchObject({
      passes: made.infer.passes.map(({ sha256 }) => sha256),
    });
    await rename(elsewhere.root, store.root);
  });

  it.each([
    ['store:../outside.mkv'],
    ['/etc/passwd'],
    ['store:/etc/passwd'],
    ['store:link/passwd'],
    ['store:tapes/../../outside.mkv'],
  ])('does not follow %s', async (address) => {
    await symlink('/etc', path.join(store.root, 'link')).catch(() => undefined);
    for (const name of ['store:tapes/clip.mkv', 'store:tapes/big.mkv']) {
      const undo = await tamper((text) => text.replaceAll(name, address));
      await expect(store.readPlan(ID)).rejects.toMatchObject({ code: 'STORE_UNUSABLE' });
      await undo();
    }
    await expect(store.locate(folder.path('outside.mkv'))).rejects.toMatchObject({ code: 'STORE_UNUSABLE' });
  });

  it('refuses plans of other versions, altered models and altered sources', async () => {
    const undo = await tamper((text) => text.replace(/"version":\d+/, '"version":1'));
    await expect(store.readPlan(ID)).rejects.toMatchObject({ code: 'PLAN_INVALID' });
    await undo();

    const clip = path.join(store.root, 'tapes/clip.mkv');
    await utimes(clip, new Date(), new Date());
    await store.readPlan(ID);
    const models = path.join(store.root, '.upreel/models');
    const [model = ''] = await readdir(models);
    await writeFile(path.join(models, model), 'x', { flag: 'a' });
    const fresh = await Store.open(store.root);
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
