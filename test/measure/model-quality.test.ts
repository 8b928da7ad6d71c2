import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { findTools } from '../../src/ffmpeg/tools.ts';
import { loadRegistry } from '../../src/infer/registry.ts';
import {
  DEGRADATIONS,
  makeQualityTests,
  measureGains,
  summariseGains,
  type QualityGains,
  type QualityTest,
} from '../../src/measure/model-quality.ts';

const SAMPLE = fileURLToPath(new URL('../../samples/meadow.mov', import.meta.url));
const TRAINING = fileURLToPath(new URL('../../training', import.meta.url));
/** What Debian's python3-torch is installed for. */
const PYTHON = '/usr/bin/python3';
const tools = await findTools();
/** Training takes the ffmpeg of the PATH, and so do the tests here then. */
const canTrain = tools.origin === 'path' && spawnSync(PYTHON, ['-c', 'import torch, numpy']).status === 0;
const registry = await loadRegistry();
let tests: QualityTest[] = [];

beforeAll(async () => {
  tests = await makeQualityTests(SAMPLE, { tools });
});

async function measure(model: string): Promise<QualityGains> {
  const facts = await registry.resolve(model);
  return summariseGains(tests, await measureGains(facts, tests, { device: 'cpu', threads: 1 }));
}

describe('the tests of a clip', () => {
  it('are three frames, degraded in three ways', () => {
    expect(tests.map(({ degradation }) => degradation)).toEqual(
      [1, 2, 3].flatMap(() => ['bicubic', 'area', 'compressed']),
    );
    for (const { truth, small } of tests) {
      expect(truth.width).toBe(2 * small.width);
      expect([truth.width % 8, truth.height % 8]).toEqual([0, 0]);
    }
  });

  it('can be shrunk by three', async () => {
    const [first] = await makeQualityTests(SAMPLE, { tools, factor: 3 });
    expect(first?.truth.width).toBe(3 * (first?.small.width ?? 0));
  });

  it.skipIf(!canTrain)('are those of training/footage.py (skipped without python3-torch and ffmpeg)', () => {
    const script = [
      'import sys',
      'from pathlib import Path',
      'sys.dont_write_bytecode = True',
      'from footage import make_tests',
      'for t in make_tests(Path(sys.argv[1])): print(t["kind"], int(t["half"].astype(int).sum()), round(t["lanczos"], 3))',
    ].join('\n');
    const { stdout, stderr } = spawnSync(PYTHON, ['-c', script, SAMPLE], { cwd: TRAINING, encoding: 'utf8' });
    const kinds: readonly string[] = DEGRADATIONS;
    // Training validates on further kinds.
    const theirs = stdout
      .trim()
      .split('\n')
      .filter((line) => kinds.includes(line.split(' ')[0] ?? ''));
    const ours = tests.map(({ degradation, small, lanczos }) => {
      const sum = small.samples.reduce((total, sample) => total + sample, 0);
      return `${degradation} ${sum} ${String(Math.round(lanczos * 1000) / 1000)}`;
    });
    expect(theirs, stderr).toEqual(ours);
  });
});

describe('gains', () => {
  it('of our own Lanczos over that of ffmpeg are none', async () => {
    for (const gain of Object.values(await measure('lanczos'))) expect(Math.abs(gain)).toBeLessThan(0.02);
  });

  it('of bicubic are losses, and those of the network that ships are gains', async () => {
    const [filter, network] = [await measure('bicubic'), await measure('balanced')];
    expect(filter.clean).toBeLessThan(0);
    expect(network.bicubic).toBeGreaterThan(0);
    expect(network.area).toBeGreaterThan(0);
    expect(network.compressed).toBeGreaterThan(0);
    expect(network.clean).toBeCloseTo((network.bicubic + network.area) / 2);
  });

  it('are means over clips of means over frames', () => {
    const [first] = tests;
    if (first === undefined) throw new Error('no tests');
    const mixed = ['a', 'a', 'b'].flatMap((clip) => [
      { ...first, clip, degradation: 'bicubic' as const },
      { ...first, clip, degradation: 'area' as const },
      { ...first, clip, degradation: 'compressed' as const },
    ]);
    const gains = [1, 0, 0, 3, 0, 0, 4, 8, 1];
    expect(summariseGains(mixed, gains)).toEqual({ bicubic: 3, area: 4, compressed: 0.5, clean: 3.5 });
  });
});
