import fc from 'fast-check';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { importNcnn } from '../../../../src/infer/import/ncnn/import-ncnn.ts';

const directory = await mkdtemp(path.join(os.tmpdir(), 'upreel-ncnn-'));
afterAll(async () => {
  await rm(directory, { recursive: true, force: true });
});

const FIXTURES = path.join(import.meta.dirname, 'fixtures');
const text = await readFile(path.join(FIXTURES, 'gates.param'), 'utf8');
const weights = new Uint8Array(await readFile(path.join(FIXTURES, 'gates.bin')));

let placed = 0;

/** Writes both files and imports them. */
async function importFiles(param: string | Uint8Array, bin: Uint8Array): Promise<unknown> {
  const base = path.join(directory, `net${placed++}`);
  await writeFile(`${base}.param`, param);
  await writeFile(`${base}.bin`, bin);
  return importNcnn(`${base}.param`);
}

describe('importNcnn', () => {
  it('names the path that it looked for where one of the two files is missing', async () => {
    const lonely = path.join(directory, 'lonely.param');
    await writeFile(lonely, text);
    await expect(importNcnn(lonely)).rejects.toMatchObject({
      code: 'MODEL_NOT_FOUND',
      message: expect.stringContaining(path.join(directory, 'lonely.bin')) as string,
    });
    await expect(importNcnn(path.join(directory, 'none.param'))).rejects.toMatchObject({
      code: 'MODEL_NOT_FOUND',
    });
  });

  it.each([
    ['another magic number', text.replace('7767517', '7767518'), /does not start with 7767517/],
    ['a count of layers that is not true', text.replace(/\n\d+ /, '\n99 '), /promises 99 layers/],
    ['a layer that nobody knows', text.replace('Mish ', 'Wish '), /of type Wish, which is not known/],
    ['a blob that nothing writes', text.replace('Mish mish19 1 1 r', 'Mish mish19 1 1 zz'), /reads zz/],
    ['channels that do not fit', text.replace('0=6 1=3 4=1 5=1 6=162', '0=9 1=3 4=1 5=1 6=162'), /gets 9/],
    ['more weights than there are', text.replace('6=162', '6=162000000000000'), /weights|channels/],
    ['sizes without end', text.replace('0=1 1=1 2=3', '0=99999 1=99999 2=99999'), /cut short/],
    ['int8 weights', text.replace('7=2', '7=2 8=1'), /int8/],
    ['two results', text.replace('HardSigmoid hardsigmoid20 1 1 s t', 'Split s22 1 2 s t u'), /2 results/],
    ['a number that is none', text.replace('2=2.5', '2=two'), /cannot be read \(2=two\)/],
  ])('refuses %s', async (_what, param, reason) => {
    expect(param).not.toBe(text);
    await expect(importFiles(param, weights)).rejects.toMatchObject({
      code: 'MODEL_INVALID',
      message: expect.stringMatching(reason) as string,
    });
  });

  it.each([
    ['Interp', '0=1 1=20000 2=20000'],
    ['Interp', '0=1 3=90000 4=90000'],
    ['Padding', '0=99999 4=1'],
    ['Pooling', '0=1 1=0'],
  ])('refuses %s %s before it takes any memory', async (type, params) => {
    const lines = ['7767517', '2 2', 'Input in 0 1 a', `${type} l 1 1 a b ${params}`];
    await expect(importFiles(lines.join('\n'), new Uint8Array())).rejects.toMatchObject({
      code: 'MODEL_INVALID',
      message: expect.stringMatching(/layer l/) as string,
    });
  });

  it('refuses weights that are too many, too few, or int8', async () => {
    const longer = new Uint8Array(weights.length + 4);
    longer.set(weights);
    await expect(importFiles(text, longer)).rejects.toMatchObject({
      code: 'MODEL_INVALID',
      message: expect.stringContaining('4 bytes more') as string,
    });
    await expect(importFiles(text, weights.subarray(0, -4))).rejects.toMatchObject({ code: 'MODEL_INVALID' });
    const flagged = weights.slice();
    // Behind the three numbers of the first layer the flag of the first convolution follows.
    new DataView(flagged.buffer).setUint32(12, 0x000d4b38, true);
    await expect(importFiles(text, flagged)).rejects.toMatchObject({
      code: 'MODEL_INVALID',
      message: expect.stringContaining('int8') as string,
    });
  });

  it('ends damage of any kind in MODEL_INVALID', async () => {
    const bytes = new TextEncoder().encode(text);
    const cut = (whole: Uint8Array) => fc.nat(whole.length - 1).map((length) => whole.slice(0, length));
    const flip = (whole: Uint8Array) =>
      fc.tuple(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 })).map(([at, by]) => {
        const copy = whole.slice();
        copy[at] = (copy[at] ?? 0) ^ by;
        return copy;
      });
    const damaged = fc.oneof(
      fc.oneof(cut(bytes), flip(bytes), fc.uint8Array({ maxLength: 200 })).map((param) => ({
        param,
        bin: weights,
      })),
      fc.oneof(cut(weights), flip(weights)).map((bin) => ({ param: bytes, bin })),
    );
    await fc.assert(
      fc.asyncProperty(damaged, async ({ param, bin }) => {
        // Another name or number may leave a network that still works.
        const outcome = await importFiles(param, bin).catch((error: unknown) => error);
        if (outcome instanceof Error) expect(outcome).toMatchObject({ code: 'MODEL_INVALID' });
        else expect(outcome).toHaveProperty('model.graph');
      }),
      { numRuns: 200 },
    );
  });
});
