import type { UpscaleOptions } from './upscale-options.ts';

/** A named set of options, for `--preset`. */
export interface Preset {
  /** What it is for, one sentence without a full stop. */
  readonly purpose: string;
  readonly options: Partial<UpscaleOptions>;
}

/** Deliveries first, then kinds of footage. What a recording itself tells (fields, pulldown, shape, colours) is found by looking, not set here. */
export const PRESETS = {
  archive: {
    purpose: 'lossless FFV1 in Matroska with everything that the source holds, to keep',
    options: { encoder: 'ffv1', audio: 'copy' },
  },
  mezzanine: {
    purpose: 'ProRes 422 HQ, to edit and grade',
    options: { encoder: 'prores', audio: 'copy' },
  },
  'mezzanine-dnxhr': {
    purpose: 'DNxHR HQX in MOV, to edit and grade where ProRes is not at home',
    options: { encoder: 'dnxhr', audio: 'copy' },
  },
  web: {
    purpose: 'H.264 with AAC, plays everywhere',
    options: { encoder: 'h264', crf: 20, audio: 'aac' },
  },
  small: {
    purpose: 'H.265 at a lower rate, for shelves of tapes',
    options: { encoder: 'h265', crf: 26, audio: 'aac' },
  },
  vhs: {
    purpose:
      'VHS, Video 8 and their like: much noise and little detail, so to 1080 lines with strong averaging over time',
    options: { to: '1080p', temporal: 'high', temporalRadius: 2, encoder: 'h264', crf: 20 },
  },
  'dv-pal': {
    purpose: 'DV and Digital8 of 625 lines: each field a frame of its own, 50 a second, to 1440 lines',
    options: { to: '1440p', deinterlace: 'field', temporal: 'medium' },
  },
  'dv-ntsc': {
    purpose: 'DV and Digital8 of 525 lines, to 1440; fields or film by pulldown, whichever is found',
    options: { to: '1440p', deinterlace: 'auto', temporal: 'medium' },
  },
  hdv: {
    purpose: 'HDV and AVCHD of 1080 lines, to 4K',
    options: { to: '4k', temporal: 'low' },
  },
  dvd: {
    purpose: 'DVD-Video, films and series, to 1080 lines',
    options: { to: '1080p', temporal: 'low' },
  },
  phone: {
    purpose: 'Clips of telephones, to 4K in H.265; upright ones stay upright and uneven times as they are',
    options: { to: '4k', deinterlace: 'off', temporal: 'low', encoder: 'h265' },
  },
  'film-scan': {
    purpose: 'Scans of film, to 4K in ProRes, with the grain left as it is',
    options: { to: '4k', deinterlace: 'off', temporal: 'off', encoder: 'prores' },
  },
  anime: {
    purpose: 'Drawn pictures, to 4K, with still areas averaged over time',
    options: { to: '4k', temporal: 'medium', crf: 18 },
  },
} as const satisfies Readonly<Record<string, Preset>>;

export type PresetName = keyof typeof PRESETS;
