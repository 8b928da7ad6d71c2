import fc from 'fast-check';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { UpscaleError } from '../../../src/core/errors.ts';
import { importModel } from '../../../src/infer/import/import-model.ts';
import { makeSafetensors, makeWeights } from './safetensors-fixture.ts';
import {
  makePickle,
  makeTorchLegacy,
  makeTorchZip,
  makeZip,
  pickleInteger,
  pickleTensor,
  pickleText,
  pickleTuple,
} from './torch-file-fixture.ts';

const fixtures = new URL('fixtures/', import.meta.url);
const directory = await mkdtemp(path.join(os.tmpdir(), 'upreel-hostile-'));
afterAll(() => rm(directory, { recursive: true, force: true }));

/** Far below what each of these files is made to fill, far above what the rest of the test takes. */
const MOST_GROWTH = 400 * 2 ** 20;

/** Imports a file alone in its folder; whatever happens, nothing else may be there afterwards and memory may not have grown. */
async function importBytes(bytes: Uint8Array): Promise<'fine' | UpscaleError> {
  const folder = await mkdtemp(path.join(directory, 'one-'));
  const file = path.join(folder, 'model');
  await writeFile(file, bytes);
  const before = process.memoryUsage().rss;
  const outcome = await importModel(file).then(
    () => 'fine' as const,
    (error: unknown) => {
      if (error instanceof UpscaleError) return error;
      throw error;
    },
  );
  expect(process.memoryUsage().rss - before).toBeLessThan(MOST_GROWTH);
  expect(await readdir(folder)).toEqual(['model']);
  return outcome;
}

async function expectRefusal(bytes: Uint8Array, reason: RegExp): Promise<void> {
  const outcome = await importBytes(bytes);
  if (outcome === 'fine') expect.fail('it was imported');
  expect(outcome.message).toMatch(reason);
  expect(outcome.code).toBe('MODEL_INVALID');
}

const WHOLE = ['compact-x2-zip.pth', 'compact-x4-legacy.pth', 'compact-x3-safetensors.safetensors'];

describe('damaged files', () => {
  it.each(WHOLE)('refuses %s cut short anywhere', async (name) => {
    const whole = await readFile(new URL(name, fixtures));
    for (let length = 1; length < whole.length; length += Math.ceil(whole.length / 60)) {
      expect(await importBytes(whole.subarray(0, length)), `${length} bytes`).toMatchObject({
        code: 'MODEL_INVALID',
      });
    }
  });

  it.each(WHOLE)('gets through %s with flipped bits', async (name) => {
    const whole = await readFile(new URL(name, fixtures));
    const flip = fc.tuple(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }));
    await fc.assert(
      fc.asyncProperty(fc.array(flip, { minLength: 1, maxLength: 4 }), async (flips) => {
        const copy = new Uint8Array(whole);
        for (const [at, by] of flips) copy[at] = (copy[at] ?? 0) ^ by;
        const outcome = await importBytes(copy);
        // Other weights, or another name for what is passed over, make a network all the same.
        if (outcome !== 'fine') expect(outcome).toMatchObject({ code: 'MODEL_INVALID' });
      }),
      { numRuns: 250, seed: 3 },
    );
  });

  it('finds weights that changed within an archive', async () => {
    const whole = await readFile(new URL('compact-x2-zip.pth', fixtures));
    const at = whole.indexOf('archive/data/0') + 200;
    const copy = new Uint8Array(whole);
    copy[at] = (copy[at] ?? 0) ^ 1;
    await expectRefusal(copy, /damaged/);
  });
});

describe('pickles that ask for more than weights', () => {
  const command = pickleText(`touch ${path.join(directory, 'ran')}`);
  const call = [pickleTuple(command), 'R'];
  it.each([
    ['os.system', makePickle('cos\nsystem\n', ...call), /"os\.system"/],
    ['posix.system', makePickle('cposix\nsystem\n', ...call), /"posix\.system"/],
    [
      'eval, named on the stack',
      makePickle(pickleText('builtins'), pickleText('eval'), '\x93', ...call),
      /"builtins\.eval"/,
    ],
    ['an own class', makePickle('cmodels.arch\nNet\n', ')\x81'), /"models\.arch\.Net"/],
    [
      'what every object has',
      makePickle('cconstructor\nconstructor\n', ...call),
      /"constructor\.constructor"/,
    ],
    ['a name out of JavaScript', makePickle('c__proto__\nconstructor\n', ...call), /__proto__/],
    ['an object without REDUCE', makePickle('(ios\nsystem\n'), /INST/],
    ['a new object', makePickle('ccollections\nOrderedDict\n', ')\x81'), /NEWOBJ/],
    ['an extension', makePickle('\x82\x01'), /EXT1/],
    ['a call of a storage class', makePickle('ctorch\nFloatStorage\n', ...call), /nothing to be called/],
    ['a call of a text', makePickle(pickleText('os.system'), ...call), /nothing to be called/],
    ['the state of a text', makePickle(pickleText('x'), '}b'), /no dictionary/],
  ])('refuses %s', async (_what, pickle, reason) => {
    await expectRefusal(makeTorchZip(pickle), reason);
    await expectRefusal(makeTorchLegacy(pickle), reason);
    expect(await readdir(directory)).not.toContain('ran');
  });
});

describe('files made to fill the memory', () => {
  const wrap = (tensor: Uint8Array): Buffer => makePickle('}', pickleText('body.0.weight'), tensor, 's');
  const numbers = new Uint8Array(64);

  it.each([
    ['a number of 2 GB', makePickle('\x8b', Buffer.from('ffffff7f', 'hex')), /number of 2147483647 bytes/],
    ['a text of 2^60 letters', makePickle('\x8d', Buffer.from('0000000000000010', 'hex')), /cut short/],
    ['bytes of 4 GB', makePickle('B', Buffer.from('ffffffff', 'hex')), /cut short/],
    ['a memo that was never filled', makePickle('j', Buffer.from('ffffffff', 'hex')), /never stored/],
    ['three million marks', makePickle('('.repeat(3e6)), /longer than that of any/],
    ['a million dictionaries', makePickle('}'.repeat(1e6)), /more than that of any/],
    [
      'a list that is copied time and again',
      makePickle('](', 'N'.repeat(3e5), 'eq\x00', 'ccollections\nOrderedDict\nh\x00\x85R'.repeat(100)),
      /more than that of any|no pairs/,
    ],
  ])('refuses %s', async (_what, pickle, reason) => {
    await expectRefusal(makeTorchZip(pickle), reason);
  });

  it.each([
    ['2^40 x 2^40 numbers', pickleTensor([2 ** 40, 2 ** 40], [1, 1], { count: 16 }), /does not fit/],
    ['a size beyond all numbers', pickleTensor([2n ** 100n], [1], { count: 16 }), /not described/],
    ['a negative size', pickleTensor([-4, -4], [1, 1], { count: 16 }), /not described/],
    ['a negative stride', pickleTensor([4, 4], [-4, 1], { count: 16 }), /not described/],
    ['one number repeated a billion times', pickleTensor([1e9], [0], { count: 16 }), /does not fit/],
    ['strides that lead out of the storage', pickleTensor([4, 4], [5, 1], { count: 16 }), /does not fit/],
    ['an offset beyond the storage', pickleTensor([4], [1], { count: 16, offset: 13 }), /does not fit/],
    [
      'a storage that is not all there',
      pickleTensor([4, 5], [5, 1], { count: 20 }),
      /64 bytes where 80 belong/,
    ],
    ['a storage of 2^50 numbers', pickleTensor([2 ** 50], [1], { count: 2 ** 50 }), /64 bytes where/],
    ['more sizes than strides', pickleTensor([4, 4], [1], { count: 16 }), /2 sizes and 1 strides/],
  ])('refuses a tensor with %s', async (_what, tensor, reason) => {
    await expectRefusal(makeTorchZip(wrap(tensor), [numbers]), reason);
  });

  it('refuses one storage that many tensors are copied from', async () => {
    const side = 512;
    const storage = new Uint8Array(side * side * 4);
    const turned = pickleTensor([side, side], [1, side], { count: side * side });
    const many = Array.from({ length: 1000 }, (_, i) => Buffer.concat([pickleText(`w${i}`), turned]));
    await expectRefusal(makeTorchZip(makePickle('}(', ...many, 'u'), [storage]), /far more memory/);
  });

  it('refuses a storage that is described in two ways', async () => {
    const items = [
      [pickleText('a'), pickleTensor([16], [1], { count: 16 })],
      [pickleText('b'), pickleTensor([8], [1], { count: 8 })],
    ];
    await expectRefusal(makeTorchZip(makePickle('}(', ...items.flat(), 'u'), [numbers]), /in two ways/);
  });

  it('refuses archives that unpack to far more than they are', async () => {
    const zeros = new Uint8Array(64 * 2 ** 20);
    const pickle = { name: 'a/data.pkl', data: wrap(pickleTensor([16], [1], { count: 2 ** 24 })) };
    const bomb = { name: 'a/data/0', data: zeros, isDeflated: true };
    await expectRefusal(makeZip([pickle, bomb]), /far more than its own size/);
    await expectRefusal(makeZip([pickle, { ...bomb, claimedSize: 64 }]), /too many bytes/);
    await expectRefusal(makeZip([{ ...bomb, name: 'a/data.pkl' }]), /far more than its own size/);
    await expectRefusal(
      makeZip([pickle, { ...bomb, claimedSize: 2 ** 32 - 2 }]),
      /far more than its own size/,
    );
  });

  it('refuses branches that would merge into far more than they are', async () => {
    const weights = {
      'upsampler.0.weight': [12, 4, 3, 3],
      'conv_cat.weight': [4, 16, 1, 1],
      'block_1.c1_r.sk.weight': [4, 4, 1, 1],
      'conv_1.sk.weight': [1, 9000, 1, 1],
      'conv_1.conv.0.weight': [1, 9000, 1, 1],
      'conv_1.conv.1.weight': [9000, 1, 3, 3],
      'conv_1.conv.2.weight': [1, 9000, 1, 1],
    };
    await expectRefusal(makeWeights(weights), /narrower/);
  });

  it('takes what grows by little', async () => {
    const whole = await readFile(new URL('compact-x2-zip.pth', fixtures));
    expect(await importBytes(whole)).toBe('fine');
    const pickle = {
      name: 'a/data.pkl',
      data: wrap(pickleTensor([16], [1], { count: 16 })),
      isDeflated: true,
    };
    const storage = { name: 'a/data/0', data: numbers, isDeflated: true };
    // Read to the end, and of no network.
    await expectRefusal(makeZip([pickle, storage]), /its 1 weights \(body\.0\.weight 16/);
  });
});

describe('archives of other kinds', () => {
  const pickle = makePickle('}');
  it.each([
    ['names that lead out of the folder', [{ name: '../data.pkl', data: pickle }], /\.\.\/data\.pkl/],
    ['absolute names', [{ name: '/etc/data.pkl', data: pickle }], /absolute path/],
    ['the same name twice', Array(2).fill({ name: 'a/data.pkl', data: pickle }), /twice/],
    [
      'two pickles',
      ['a', 'b'].map((name) => ({ name: `${name}/data.pkl`, data: pickle })),
      /none of PyTorch/,
    ],
    ['nothing of PyTorch', [{ name: 'readme.txt', data: pickle }], /none of PyTorch/],
    [
      'a program',
      ['data', 'constants'].map((name) => ({ name: `a/${name}.pkl`, data: pickle })),
      /TorchScript/,
    ],
    ['no weights', [{ name: 'a/data.pkl', data: pickle }], /no weights/],
    ['a list', [{ name: 'a/data.pkl', data: makePickle(']') }], /no dictionary/],
    [
      'the other byte order',
      [
        { name: 'a/data.pkl', data: pickle },
        { name: 'a/byteorder', data: Buffer.from('big') },
      ],
      /big endian/,
    ],
  ])('refuses %s', async (_what, entries, reason) => {
    await expectRefusal(makeZip(entries), reason);
  });

  it('refuses a pickle that is not of PyTorch', async () => {
    await expectRefusal(makePickle(pickleInteger(7)), /none of PyTorch/);
  });
});

describe('safetensors files that are not what they say', () => {
  const weight = { dtype: 'F32', shape: [4], data_offsets: [0, 16] };
  const body = new Uint8Array(32);
  const longHeader = Buffer.from('00000000000000107b7d', 'hex');
  it.each([
    ['a header of 2^60 bytes', longHeader, /header is longer/],
    ['a header that goes beyond the file', makeSafetensors({}).subarray(0, 9), /header is longer/],
    ['a header that is no JSON', Buffer.from('03000000000000007b7b7b', 'hex'), /JSON/],
    ['no weights', makeSafetensors({ __metadata__: { format: 'pt' } }), /no weights/],
    [
      'weights upon each other',
      makeSafetensors({ a: weight, b: { ...weight, data_offsets: [8, 24] } }, body),
      /overlaps/,
    ],
    [
      'weights beyond the end',
      makeSafetensors({ a: { ...weight, data_offsets: [20, 36] } }, body),
      /where it says/,
    ],
    [
      'offsets the wrong way round',
      makeSafetensors({ a: { ...weight, data_offsets: [16, 0] } }, body),
      /where it says/,
    ],
    [
      'negative offsets',
      makeSafetensors({ a: { ...weight, data_offsets: [-16, 0] } }, body),
      /not described/,
    ],
    [
      'a size that is not that of the bytes',
      makeSafetensors({ a: { ...weight, shape: [5] } }, body),
      /where it says/,
    ],
    ['a huge size', makeSafetensors({ a: { ...weight, shape: [2 ** 40, 2 ** 40] } }, body), /where it says/],
    ['a broken size', makeSafetensors({ a: { ...weight, shape: [1.5] } }, body), /not described/],
    ['an unknown type', makeSafetensors({ a: { ...weight, dtype: 'F8_E4M3' } }, body), /F8_E4M3/],
    ['a type out of JavaScript', makeSafetensors({ a: { ...weight, dtype: 'toString' } }, body), /toString/],
    ['a weight that is null', makeSafetensors({ a: null }, body), /undefined/],
  ])('refuses %s', async (_what, bytes, reason) => {
    await expectRefusal(bytes, reason);
  });
});
