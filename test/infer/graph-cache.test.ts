import { mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadChromaNetworks } from '../../src/infer/chroma/chroma-model.ts';
import { CHROMA_GUIDE } from '../../src/infer/graph/compose-chroma.ts';
import type { PlaneEnds } from '../../src/infer/graph/compose-ends.ts';
import { COMPOSED_INPUT, COMPOSED_OUTPUT } from '../../src/infer/graph/compose-ends.ts';
import { GraphCache } from '../../src/infer/graph-cache.ts';
import { openComposed, type ComposedModel } from '../../src/infer/open-composed.ts';
import { readModelFile } from '../../src/infer/read-model.ts';
import { loadRegistry } from '../../src/infer/registry.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), 'upreel-graphs-'));
});
afterEach(async () => {
  await rm(directory, { recursive: true, force: true });
});

const models = new URL('../../models/', import.meta.url).pathname;
const registry = await loadRegistry({ directories: [models] });

async function describeNetwork(id: string, bits = 8): Promise<ComposedModel> {
  const facts = await registry.resolve(id);
  const ends: PlaneEnds = {
    ...{ inputPlanes: facts.channels, outputPlanes: facts.channels },
    ...{ inputBits: bits, outputBits: bits, fullRange: false, shuffleBytes: true },
  };
  const file = await readModelFile(facts.path ?? '');
  return { file, facts, ends, device: 'cpu', precision: 'fp32', threads: 1 };
}

async function run(network: ComposedModel, cache: GraphCache): Promise<unknown> {
  const session = await openComposed(network, cache);
  try {
    const length = 48 * 32;
    const data = network.ends.inputBits > 8 ? new Uint16Array(length) : new Uint8Array(length);
    data.forEach((_, i) => (data[i] = (i * 7919) % 2 ** network.ends.inputBits));
    const results = await session.evaluate({ [COMPOSED_INPUT]: { data, dims: [1, 1, 32, 48] } });
    return results.get(COMPOSED_OUTPUT)?.data;
  } finally {
    await session.close();
  }
}

async function runChroma(cache: GraphCache): Promise<unknown> {
  const [network] = await loadChromaNetworks({ directories: [models] });
  const ends = { inputBits: 8, outputBits: 8, fullRange: false, shuffleBytes: true };
  const file = await readModelFile(network?.path ?? '');
  const session = await openComposed({ file, facts: null, ends, device: 'cpu', threads: 1 }, cache);
  const fill = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => (i * 7919) % 256);
  try {
    const results = await session.evaluate({
      [COMPOSED_INPUT]: { data: fill(2 * 24 * 16), dims: [1, 2, 16, 24] },
      [CHROMA_GUIDE]: { data: fill(48 * 32), dims: [1, 1, 32, 48] },
    });
    return results.get(COMPOSED_OUTPUT)?.data;
  } finally {
    await session.close();
  }
}

const listGraphs = async (): Promise<string[]> =>
  (await readdir(directory))
    .filter((name) => name.endsWith('.graph'))
    .map((name) => path.join(directory, name));

describe('graphs that are kept on disk', () => {
  it.each(['realtime', 'balanced'])('give the bytes of those that are not: %s', async (id) => {
    for (const bits of [8, 10]) {
      const network = await describeNetwork(id, bits);
      const fresh = await run(network, new GraphCache('/dev/null/nowhere'));
      const cache = new GraphCache(directory);
      expect(await run(network, cache)).toEqual(fresh);
      const [file] = await listGraphs();
      const before = await stat(file ?? '');
      expect(await run(network, cache)).toEqual(fresh);
      // What was read is what was kept: nothing was written anew.
      expect((await stat(file ?? '')).ino).toBe(before.ino);
      await rm(file ?? '');
    }
  });

  it('give the bytes of those that are not: chroma', async () => {
    const cache = new GraphCache(directory);
    const fresh = await runChroma(new GraphCache('/dev/null/nowhere'));
    expect(await runChroma(cache)).toEqual(fresh);
    expect(await listGraphs()).toHaveLength(1);
    expect(await runChroma(cache)).toEqual(fresh);
    expect(await listGraphs()).toHaveLength(1);
  });

  it('are made again where they are cut short, have other bytes, or hold no graph', async () => {
    const network = await describeNetwork('realtime');
    const cache = new GraphCache(directory);
    const expected = await run(network, cache);
    const [file = ''] = await listGraphs();
    const whole = await readFile(file);
    const flipped = Buffer.from(whole);
    flipped[whole.length >> 1] = (whole[whole.length >> 1] ?? 0) ^ 1;
    for (const damaged of [whole.subarray(0, 1000), Buffer.alloc(0), flipped]) {
      await writeFile(file, damaged);
      expect(await run(network, cache)).toEqual(expected);
      expect(await readFile(file)).toEqual(whole);
    }
    const stranger = path.join(directory, 'stranger.tmp');
    await writeFile(stranger, 'whole, but no graph');
    await cache.keep(path.basename(file, '.graph'), stranger);
    expect(await run(network, cache)).toEqual(expected);
    expect(await readFile(file)).toEqual(whole);
  });

  it('are kept apart by network, ends and precision', async () => {
    const cache = new GraphCache(directory);
    const network = await describeNetwork('realtime');
    await run(network, cache);
    await run(await describeNetwork('balanced'), cache);
    await run(await describeNetwork('realtime', 10), cache);
    await run({ ...network, ends: { ...network.ends, fullRange: true } }, cache);
    await run({ ...network, precision: 'fp16' }, cache);
    await run({ ...network, threads: 2 }, cache);
    expect(await listGraphs()).toHaveLength(5);
  });

  it('may be opened by several lanes at once', async () => {
    const network = await describeNetwork('realtime');
    const cache = new GraphCache(directory);
    const results = await Promise.all(Array.from({ length: 6 }, () => run(network, cache)));
    expect(new Set(results.map(String)).size).toBe(1);
    expect((await readdir(directory)).map((name) => path.extname(name))).toEqual(['.graph']);
  });

  it('take no more than they may; those not used for longest go', async () => {
    const sizes = [400, 400, 400];
    const cache = new GraphCache(directory, 1000);
    for (const [i, size] of sizes.entries()) {
      const room = (await cache.makeRoom()) ?? '';
      await writeFile(room, Buffer.alloc(size, i));
      await cache.keep(`graph${i}`, room);
      if (i === 1) {
        const ago = new Date(Date.now() - 60_000);
        for (const file of await listGraphs()) await utimes(file, ago, ago);
        expect(await cache.read('graph0')).toEqual(Buffer.alloc(size, 0));
      }
    }
    expect(await cache.read('graph1')).toBeNull();
    expect(await cache.read('graph0')).not.toBeNull();
    expect(await cache.read('graph2')).not.toBeNull();
    const large = (await cache.makeRoom()) ?? '';
    await writeFile(large, Buffer.alloc(2000));
    await cache.keep('large', large);
    expect(await listGraphs()).toHaveLength(2);
  });
});
