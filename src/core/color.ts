import { z } from 'zod';

/**
 * How code values map to light, in the words of ITU-T H.273 as ffmpeg spells them (`bt709`, `smpte170m`, `bt2020nc`,
 * `smpte2084`, ...). `unknown` is what a file that carries no tag has; a plan never has it except for `chromaLocation`
 * of formats without subsampled chroma.
 */
export const colorSchema = z.object({
  /** `tv` (limited, 16..235 at 8 bit) or `pc` (full, 0..255). */
  range: z.enum(['tv', 'pc', 'unknown']),
  primaries: z.string(),
  transfer: z.string(),
  /** Matrix coefficients (`color_space` of ffprobe). `gbr` for RGB. */
  matrix: z.string(),
  chromaLocation: z.enum(['left', 'center', 'topleft', 'top', 'bottomleft', 'bottom', 'unknown']),
});
export type Color = z.infer<typeof colorSchema>;
export type ChromaLocation = Color['chromaLocation'];

/** SMPTE ST 2086 mastering display and CTA-861.3 content light levels. Chromaticities and luminances as exact fractions. */
export const hdrMetadataSchema = z.object({
  mastering: z
    .object({
      /** x,y of red, green, blue, white point; in units of 1. */
      red: z.tuple([z.number(), z.number()]),
      green: z.tuple([z.number(), z.number()]),
      blue: z.tuple([z.number(), z.number()]),
      white: z.tuple([z.number(), z.number()]),
      /** cd/m2 */
      minLuminance: z.number(),
      maxLuminance: z.number(),
    })
    .optional(),
  contentLight: z
    .object({
      /** cd/m2 */
      maxCll: z.number(),
      maxFall: z.number(),
    })
    .optional(),
  /** Dolby Vision profile when the stream carries an RPU; it is not carried over, and the user is told. */
  dolbyVisionProfile: z.number().optional(),
});
export type HdrMetadata = z.infer<typeof hdrMetadataSchema>;

/** Whether the transfer is PQ or HLG. */
export function isHdrTransfer(transfer: string): boolean {
  return transfer === 'smpte2084' || transfer === 'arib-std-b67';
}
