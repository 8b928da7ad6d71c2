import path from 'node:path';
import { z } from 'zod';

/** What made a file out of its source. Facts alone, so that the same run gives the same record. */
export const provenanceSchema = z.object({
  /** Of this product. */
  version: z.string().min(1),
  /** `AI`: a neural network made samples of the picture; `filter`: they were interpolated. */
  method: z.enum(['AI', 'filter']),
  /** In the order of their use; a filter has no file and no sha256. */
  models: z.array(
    z.object({
      id: z.string(),
      sha256: z
        .string()
        .regex(/^[0-9a-f]{64}$/)
        .nullable(),
    }),
  ),
  /** Enlargement of the display picture. */
  scale: z.number().positive(),
  /** `identity.sampleSha256` of the source: over its size and its first, middle and last MiB. */
  sourceSampleSha256: z.string(),
});
export type Provenance = z.infer<typeof provenanceSchema>;

/** The document beside an output. */
export const sidecarSchema = provenanceSchema.extend({
  product: z.literal('Upreel'),
  digitalSourceType: z.string().nullable(),
  /** The file that it speaks of; of a sequence its pattern, and all pictures' bytes. */
  output: z.object({ name: z.string(), bytes: z.int().nonnegative() }),
});
export type Sidecar = z.infer<typeof sidecarSchema>;

/** IPTC's term for media that an algorithm has changed: NewsCodes, "Digital Source Type". */
const ENHANCED = 'http://cv.iptc.org/newscodes/digitalsourcetype/algorithmicallyEnhanced';

const SEPARATOR = '; ';

/** The names by which a container's tags say it; see {@link readProvenance}. */
export const PROVENANCE_TAG = /^(upreel_.*|digital_source_type)$/i;

/** IPTC's address for how the picture came about; null where a plain filter made it, which the terms do not speak of. */
export function digitalSourceType({ method }: Provenance): string | null {
  return method === 'AI' ? ENHANCED : null;
}

/** The record as tags, in capitals as Matroska has them. Those without a value here are empty, which removes tags that were copied. */
export function toProvenanceTags(record: Provenance): Record<string, string> {
  const { version, method, models, scale, sourceSampleSha256 } = record;
  return {
    UPREEL_UPSCALED: method,
    UPREEL_VERSION: version,
    UPREEL_MODEL: models.map(({ id }) => id.replaceAll(SEPARATOR, ' ')).join(SEPARATOR),
    UPREEL_MODEL_SHA256: models.map(({ sha256 }) => sha256 ?? '-').join(SEPARATOR),
    UPREEL_SCALE: String(scale),
    UPREEL_SOURCE_SAMPLE_SHA256: sourceSampleSha256,
    DIGITAL_SOURCE_TYPE: digitalSourceType(record) ?? '',
  };
}

/** The record that tags hold, or null: what others wrote under these names is not believed. */
export function readProvenance(tags: Readonly<Record<string, string>>): Provenance | null {
  const upper = new Map(Object.entries(tags).map(([name, value]) => [name.toUpperCase(), value]));
  const hashes = upper.get('UPREEL_MODEL_SHA256')?.split(SEPARATOR) ?? [];
  const parsed = provenanceSchema.safeParse({
    version: upper.get('UPREEL_VERSION'),
    method: upper.get('UPREEL_UPSCALED'),
    models: upper
      .get('UPREEL_MODEL')
      ?.split(SEPARATOR)
      .map((id, i) => ({ id, sha256: hashes[i] === '-' ? null : hashes[i] })),
    scale: Number(upper.get('UPREEL_SCALE')),
    sourceSampleSha256: upper.get('UPREEL_SOURCE_SAMPLE_SHA256'),
  });
  return parsed.success ? parsed.data : null;
}

/** Where the document beside `output` lies: `film.ts.provenance.json`, and `shot.provenance.json` of the pattern `shot.%04d.png`. */
export function nameSidecar(output: string): string {
  const { dir, base, name } = path.parse(output);
  const stem = /%\d*d/.test(base) ? name.replace(/[._-]*%\d*d/, '') : base;
  return path.join(dir, `${stem === '' ? '' : `${stem}.`}provenance.json`);
}

/** The document in `text`, or null where that is something else. */
export function parseSidecar(text: string): Sidecar | null {
  try {
    const parsed = sidecarSchema.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}
