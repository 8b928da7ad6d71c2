import type { UpscaleOptions } from './upscale-options.ts';

/** A named set of options, for `--preset`. */
export interface Preset {
  /** What it is for, one sentence without a full stop. */
  readonly purpose: string;
  readonly options: Partial<UpscaleOptions>;
}

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
} as const satisfies Readonly<Record<string, Preset>>;

export type PresetName = keyof typeof PRESETS;
