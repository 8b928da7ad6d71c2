import { expect, it } from 'vitest';
import type { Architecture } from '../../../../src/infer/import/architecture.ts';
import { SAFMN } from '../../../../src/infer/import/architectures/safmn.ts';
import { SWINIR } from '../../../../src/infer/import/architectures/swinir.ts';
import { inspectModel } from '../../../../src/infer/inspect-model.ts';
import { placeModel } from '../../graph-fixture.ts';
import { makeNoise } from '../../tiny-networks.ts';
import { upscaleOnce } from '../../upscaler-fixture.ts';
import { readWeights } from './fixture-files.ts';

const WIDTH = 83;
const HEIGHT = 70;

it.each([
  // Tiles stand on windows; two blocks see a window and half a window far.
  ['swinir-classical', SWINIR, 4, 'gray10le'],
  ['safmn', SAFMN, 8, 'gbrp10le'],
] as readonly (readonly [string, Architecture, number, string])[])(
  'tiles of %s give what the whole picture gives',
  async (name, architecture, multiple, format) => {
    const network = architecture.build(await readWeights(name));
    if (network === null) throw new Error(`${name} is not known`);
    const facts = await inspectModel(await placeModel(network.model));
    expect(facts.multiple).toBe(multiple);
    expect(facts.receptiveRadius).toBeGreaterThan(multiple);
    const noise = makeNoise(3 * WIDTH * HEIGHT, 5);
    const sampleAt = (plane: number, x: number, y: number): number =>
      Math.round(1023 * (0.5 + (noise[(plane * HEIGHT + y) * WIDTH + x] ?? 0)));
    // Random weights tell nothing of where white is.
    const wishes = { model: { ...facts, range: 1 }, format, width: WIDTH, height: HEIGHT };
    const whole = await upscaleOnce({ ...wishes, tile: null }, sampleAt);
    const tiled = await upscaleOnce({ ...wishes, tile: { width: 56, height: 48 } }, sampleAt);
    expect(tiled).toEqual(whole);
  },
);
