import { describe, expect, it } from 'vitest';
import { optionsOf } from '../../src/config/option-table.ts';
import { traceUpscaleOptions } from '../../src/config/resolve-options.ts';
import { parseSettings } from '../../src/config/settings-file.ts';

const TEXT = `# all
preset: dv-pal
crf: 22
files:
  '*.mov':
    preset: phone
    scale: 2
  'wedding/**':
    encoder-args: -tune film
    memory: 2G
`;

describe('parseSettings', () => {
  it('gives each file the settings of all, then those of the patterns that match it', () => {
    const settings = parseSettings(TEXT, '/tapes/upreel.yaml');
    const trace = (file: string): ReturnType<typeof traceUpscaleOptions> =>
      traceUpscaleOptions({}, settings.layersFor(`/tapes/${file}`));
    expect(trace('a.avi').options).toMatchObject({ to: '1440p', deinterlace: 'field', crf: 22 });
    const clip = trace('deep/B.MOV');
    expect(clip.options).toMatchObject({
      to: undefined,
      scale: 2,
      deinterlace: 'off',
      encoder: 'h265',
      crf: 22,
    });
    expect(clip.places).toMatchObject({
      scale: 'upreel.yaml, line 7',
      encoder: 'by the preset phone, upreel.yaml, line 6',
      crf: 'upreel.yaml, line 3',
    });
    expect(trace('wedding/one/c.avi').options).toMatchObject({
      encoderArgs: ['-tune', 'film'],
      memory: 2 * 2 ** 30,
    });
  });

  it('lets what is given win over all settings', () => {
    const layers = parseSettings(TEXT, '/tapes/upreel.yaml').layersFor('/tapes/a.mov');
    const { options, origins, places } = traceUpscaleOptions({ to: '4k', preset: 'archive' }, layers);
    expect(options).toMatchObject({ to: '4k', scale: undefined, encoder: 'ffv1', crf: 22 });
    expect(origins).toMatchObject({ to: 'given', encoder: 'preset', crf: 'settings', audio: 'preset' });
    expect(places.to).toBe('given');
  });

  it('takes every option that a file may have', () => {
    for (const { name, key } of optionsOf('upscale')) {
      if (key === undefined || key === 'output' || key === 'overwrite') continue;
      expect(() => parseSettings(`${name}: { a: 1 }`, 'u.yaml')).toThrow(`line 1: ${name} cannot be a map`);
    }
  });

  it.each([
    ['crf: 22\nsacle: 2\n', 2, 'sacle'],
    ['crf: 22\n\ndeinterlace: yes\n', 3, 'deinterlace'],
    ["files:\n  '*.avi':\n    crf: 99\n", 3, 'crf'],
    ["files:\n  '*.avi':\n    output: x.mp4\n", 3, 'output'],
    ["files:\n  '*.avi':\n    scale: 2\n    to: 4k\n", 2, 'size'],
    ["crf: 22\npreset: 'vhs\n", 3, 'quote'],
    ['preset: vh\n', 1, 'preset'],
    ['scale: 2\nscale: 3\n', 2, 'unique'],
    ['- a\n', 1, 'map'],
  ])('names the line of what makes no sense in %j', (text, line, word) => {
    const parse = (): unknown => parseSettings(text, '/tapes/upreel.yaml');
    expect(parse).toThrow(expect.objectContaining({ code: 'USAGE' }));
    expect(parse).toThrow(`/tapes/upreel.yaml, line ${String(line)}: `);
    expect(parse).toThrow(word);
  });

  it('takes an empty file for no settings', () => {
    const layers = parseSettings('# nothing\n', '/tapes/upreel.yaml').layersFor('/tapes/a.avi');
    expect(traceUpscaleOptions({}, layers).options).toEqual(traceUpscaleOptions().options);
  });
});
