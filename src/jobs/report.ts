import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { decisionSchema, noticeSchema } from '../core/notice.ts';
import { identifyFile } from '../decode/identify-file.ts';
import { firstPictureNumber, pictureName } from '../encode/assemble.ts';
import { writeWhole } from '../ffmpeg/disk-cache.ts';
import { hashDelivery } from '../pipeline/plan-hash.ts';
import type { Plan } from '../pipeline/plan-schema.ts';

/** Raised when older documents say too little. */
const REPORT_VERSION = 1;

/** What is known of a finished output; the page is drawn from it, and a later run skips the file by it. */
export const reportSchema = z.object({
  version: z.literal(REPORT_VERSION),
  source: z.string(),
  output: z.string(),
  /** What the output was made by: two runs with one such hash make the same file. */
  delivery: z.string(),
  /** Of the output, to tell whether it was changed since. */
  identity: z.object({ size: z.int(), mtimeMs: z.number(), sampleSha256: z.string() }),
  /** The command that makes this output and no other. */
  command: z.string(),
  /** ISO 8601. */
  finishedAt: z.string(),
  seconds: z.number(),
  frames: z.int(),
  bytes: z.int(),
  device: z.string(),
  geometry: z.object({
    displayWidth: z.int(),
    displayHeight: z.int(),
    width: z.int(),
    height: z.int(),
  }),
  /** Options that are not defaults: name, value, where it came from. */
  options: z.array(z.object({ name: z.string(), value: z.string(), place: z.string() })),
  decisions: z.array(decisionSchema),
  notices: z.array(noticeSchema),
  damage: z.object({ complaints: z.array(z.string()), missingFrames: z.int() }).nullable(),
  /** Null where the output could not be looked at. */
  verify: z
    .object({
      ok: z.boolean(),
      rows: z.array(
        z.object({
          check: z.string(),
          expected: z.string(),
          actual: z.string(),
          status: z.enum(['ok', 'warning', 'failed']),
          note: z.string(),
        }),
      ),
    })
    .nullable(),
  /** Mean change of luma from frame to frame in the calmer half of the picture, 8-bit code values; null where it could not be measured. */
  flicker: z.object({ source: z.number(), output: z.number() }).nullable(),
  /**
   * How much of the output its source says, from a few frames; see `upreel fidelity`. Null where it could not be measured, and in reports
   * of before it was.
   */
  fidelity: z
    .object({
      /** Frames that were compared. */
      frames: z.int(),
      /** dB of each plane at the source's size. */
      consistency: z.object({ y: z.number(), u: z.number().nullable(), v: z.number().nullable() }),
      worst: z.object({ frame: z.int(), y: z.number() }),
      /** Luma against the source's frames after blending over time; null where nothing was blended. */
      blended: z.number().nullable(),
      beyondBand: z.object({ rms: z.number(), share: z.number() }).nullable(),
      /** Path of the picture relative to the page. */
      heatMap: z.string(),
    })
    .nullable()
    .default(null),
  /** Paths relative to the page. */
  stills: z.array(z.object({ seconds: z.number(), before: z.string(), after: z.string() })),
});
export type Report = z.infer<typeof reportSchema>;
export const CURRENT_REPORT = { version: REPORT_VERSION } as const;

/** The document at `file`; null when there is none, or none that this version understands. */
export async function readReport(file: string): Promise<Report | null> {
  try {
    return reportSchema.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch {
    return null;
  }
}

export async function writeReport(file: string, report: Report): Promise<void> {
  await writeWhole(file, `${JSON.stringify(report, null, 2)}\n`);
}

/** Whether `report` tells of an output that `plan` would make again just so, and that is still there unchanged. */
export async function isDone(report: Report | null, plan: Plan): Promise<boolean> {
  if (report?.delivery !== hashDelivery(plan)) return false;
  const found = await identifyOutput(plan).catch(() => null);
  const { size, mtimeMs, sampleSha256 } = report.identity;
  return found?.size === size && found.mtimeMs === mtimeMs && found.sampleSha256 === sampleSha256;
}

/** The identity of the output; of pictures, that of the first. */
export async function identifyOutput({ assemble }: Plan): Promise<Report['identity']> {
  if (assemble.muxer !== 'image2') return identifyFile(assemble.path);
  return identifyFile(pictureName(assemble.path, firstPictureNumber(assemble)));
}
