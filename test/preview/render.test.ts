import { describe, expect, it } from 'vitest';
import { buildRenderArguments, formatCommand } from '../../src/preview/render.ts';

const SETTINGS = { model: 'auto', temporal: 'auto', deinterlace: 'auto', chroma: 'auto' } as const;

describe('the command that renders what is watched', () => {
  it('says what was chosen and nothing that would be so anyway', () => {
    const size = { scale: undefined, to: undefined };
    expect(buildRenderArguments('tape.avi', SETTINGS, size)).toEqual(['upscale', 'tape.avi']);
    expect(
      buildRenderArguments(
        'tape.avi',
        { ...SETTINGS, model: 'realtime', temporal: 'low' },
        { ...size, scale: 3 },
      ),
    ).toEqual(['upscale', 'tape.avi', '--model', 'realtime', '--scale', '3', '--temporal', 'low']);
  });

  it('can be typed into a shell as it is shown', () => {
    expect(formatCommand(['upscale', "/tapes/Anna's 5th; birthday.avi"])).toBe(
      `upreel upscale '/tapes/Anna'\\''s 5th; birthday.avi'`,
    );
  });
});
