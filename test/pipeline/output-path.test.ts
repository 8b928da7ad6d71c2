import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { chooseOutputPath } from '../../src/pipeline/output-path.ts';
import { makeFolder } from './clip-fixture.ts';

const folder = await makeFolder();
afterAll(() => folder.remove());

describe('chooseOutputPath', () => {
  it.each([
    ['beside the input where nothing is asked for', undefined, '/tapes/1994.upreel.mp4'],
    ['in a folder that is there', folder.path('.'), folder.path('1994.upreel.mp4')],
    ['in what is written as a folder', '/elsewhere/', '/elsewhere/1994.upreel.mp4'],
    ['where it is asked for', '/elsewhere/film.mov', '/elsewhere/film.mov'],
    ['nowhere for standard output', '-', '-'],
  ])('puts the output %s', (_, asked, expected) => {
    expect(chooseOutputPath('/tapes/1994.avi', asked, 'mp4')).toBe(
      expected === '-' ? '-' : path.resolve(expected),
    );
  });

  it('leaves the number out of the name for a pattern of pictures', () => {
    expect(chooseOutputPath('/shots/shot.%04d.png', undefined, 'mov')).toBe('/shots/shot.upreel.mov');
  });
});
