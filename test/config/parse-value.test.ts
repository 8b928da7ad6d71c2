import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { specOf } from '../../src/config/option-table.ts';
import { parseSize, readValue, splitArguments } from '../../src/config/parse-value.ts';

describe('parseSize', () => {
  it.each([
    ['4G', 4 * 2 ** 30],
    ['4g', 4 * 2 ** 30],
    ['1.5GiB', 1.5 * 2 ** 30],
    ['800M', 800 * 2 ** 20],
    ['512 MB', 512 * 2 ** 20],
    ['64k', 65536],
    ['1073741824', 2 ** 30],
  ])('reads %s', (text, bytes) => expect(parseSize(text)).toBe(bytes));

  it.each(['', 'G', '-4G', '0', '4X', '4GG', '1e9', 'NaN', '99999999T'])('refuses %j', (text) => {
    expect(parseSize(text)).toBeNull();
  });
});

describe('splitArguments', () => {
  it.each([
    ['-tune film', ['-tune', 'film']],
    ['  -a   b ', ['-a', 'b']],
    ['-x264-params "a=1:b=two words"', ['-x264-params', 'a=1:b=two words']],
    [`-m 'it "is"'`, ['-m', 'it "is"']],
    ['a\\ b', ['a b']],
    ['a""b ""', ['ab', '']],
    [`"C:\\dir" '\\'`, ['C:\\dir', '\\']],
    ['', []],
  ])('splits %j', (line, parts) => expect(splitArguments(line)).toEqual(parts));

  it('gives back whatever was put in single quotes', () => {
    const argument = fc.string({ maxLength: 12 }).filter((text) => !text.includes("'"));
    fc.assert(
      fc.property(fc.array(argument, { maxLength: 5 }), (parts) => {
        expect(splitArguments(parts.map((part) => `'${part}'`).join(' '))).toEqual(parts);
      }),
    );
  });

  it('refuses a quote without an end', () => {
    expect(() => splitArguments('-a "b')).toThrow(expect.objectContaining({ code: 'USAGE' }));
  });
});

describe('readValue', () => {
  it.each([
    ['crf', '18', 18],
    ['crf', 0, 0],
    ['workers', '3', 3],
    ['memory', '2G', 2 ** 31],
    ['memory', 2 ** 31, 2 ** 31],
    ['encoderArgs', '-tune film', ['-tune', 'film']],
    ['encoderArgs', ['-tune', 'film'], ['-tune', 'film']],
    ['deinterlace', 'field', 'field'],
    ['strict', true, true],
  ] as const)('reads %s from %j', (key, value, read) => expect(readValue(specOf(key), value)).toEqual(read));

  it.each([
    ['crf', ''],
    ['crf', 'low'],
    ['crf', '64'],
    ['crf', '-1'],
    ['crf', Number.NaN],
    ['workers', '1.5'],
    ['workers', '0'],
    ['memory', 'much'],
    ['deinterlace', 'yes'],
    ['model', ''],
    ['strict', 'true'],
  ] as const)('refuses %s as %j and says what would be right', (key, value) => {
    const { name } = specOf(key);
    expect(() => readValue(specOf(key), value)).toThrow(
      expect.objectContaining({
        code: 'USAGE',
        message: expect.stringContaining(`--${name}`) as string,
        hint: expect.stringMatching(/\.$/) as string,
      }),
    );
  });
});
