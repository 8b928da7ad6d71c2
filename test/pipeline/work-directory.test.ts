import { existsSync, rmSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import { afterAll, expect, it } from 'vitest';
import type { Plan } from '../../src/pipeline/plan-schema.ts';
import { WorkDirectory } from '../../src/pipeline/work-directory.ts';
import { makeFolder } from './clip-fixture.ts';

const folder = await makeFolder();
afterAll(folder.remove);

it('is made again where another run, which ends, removes it before its lock is taken', async () => {
  const plan = {
    hash: 'a'.repeat(64),
    assemble: { path: folder.path('out.mkv') },
    source: { path: folder.path('in.mkv') },
    segments: [],
    expectedFrames: 0,
  } as unknown as Plan;
  const directory = folder.path('.out.mkv.upreel-work');
  const opened = WorkDirectory.open(plan);
  while (!existsSync(directory)) await setImmediate();
  rmSync(directory, { recursive: true });
  const work = await opened;
  expect(work.path).toBe(directory);
  expect((await readdir(directory)).length).toBeGreaterThan(0);
});
