import { afterAll, describe, expect, it } from 'vitest';
import { probe } from '../../src/decode/probe.ts';
import { loadRegistry } from '../../src/infer/registry.ts';
import { chooseModel } from '../../src/pipeline/choose-model.ts';
import { ffmpeg, makeFolder, tools } from './clip-fixture.ts';

const folder = await makeFolder();
afterAll(() => folder.remove());
const registry = await loadRegistry();

async function choose(
  name: string,
  size: string,
  ...coding: string[]
): Promise<ReturnType<typeof chooseModel>> {
  const file = folder.path(name);
  ffmpeg('-f', 'lavfi', '-i', `testsrc2=s=${size}:r=25:d=0.4`, ...coding, file);
  return chooseModel(await probe(file, { tools }), registry);
}

describe('chooseModel', () => {
  it.each([
    ['tape.dv', '720x576', ['-c:v', 'dvvideo', '-pix_fmt', 'yuv420p'], 'a DV recording'],
    ['disc.mpg', '720x576', ['-c:v', 'mpeg2video'], 'MPEG video in standard definition'],
  ])('takes the model for recordings for %s and says why', async (name, size, coding, reason) => {
    const { id, decisions } = await choose(name, size, ...coding);
    expect(id).toBe('camcorder');
    expect(decisions).toEqual([
      { topic: 'model', choice: 'camcorder', reason: expect.stringContaining(reason) as string },
    ]);
  });

  it.each([
    ['phone.mp4', '640x480', ['-c:v', 'libx264', '-preset', 'ultrafast']],
    ['broadcast.ts', '1280x720', ['-c:v', 'mpeg2video']],
  ])('takes the default for %s', async (name, size, coding) => {
    expect(await choose(name, size, ...coding)).toEqual({ id: registry.default.id, decisions: [] });
  });

  it.each([
    ['shot.png', ['-frames:v', '1', '-pix_fmt', 'rgb24']],
    ['film.mov', ['-c:v', 'qtrle', '-pix_fmt', 'argb']],
  ])('takes the model for RGB for %s and says why', async (name, coding) => {
    const { id, decisions } = await choose(name, '64x48', ...coding);
    expect(id).toBe('balanced-rgb');
    expect(decisions).toEqual([
      { topic: 'model', choice: 'balanced-rgb', reason: expect.stringContaining('in RGB') as string },
    ]);
  });

  it('takes the default where the output is to keep to what the source says', async () => {
    const source = await probe(folder.path('tape.dv'), { tools });
    expect(chooseModel(source, registry, true)).toEqual({ id: registry.default.id, decisions: [] });
  });

  it('takes the default where no model for recordings is installed', async () => {
    const without = { ...registry, default: registry.default, recordings: null, rgb: null };
    const source = await probe(folder.path('tape.dv'), { tools });
    expect(chooseModel(source, without).id).toBe('balanced');
  });
});
