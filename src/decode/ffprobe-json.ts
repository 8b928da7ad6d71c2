import { z } from 'zod';
import { UpscaleError } from '../core/errors.ts';

const tags = z.record(z.string(), z.string()).default({});

/** One stream as `ffprobe -show_streams -of json` prints it; only what is read here. */
const streamSchema = z.object({
  index: z.number(),
  codec_type: z.string().optional(),
  codec_name: z.string().optional(),
  codec_tag_string: z.string().default(''),
  profile: z.coerce.string().optional(),
  width: z.number().optional(),
  height: z.number().optional(),
  pix_fmt: z.string().optional(),
  sample_aspect_ratio: z.string().optional(),
  color_range: z.string().optional(),
  color_space: z.string().optional(),
  color_transfer: z.string().optional(),
  color_primaries: z.string().optional(),
  chroma_location: z.string().optional(),
  field_order: z.string().optional(),
  r_frame_rate: z.string().optional(),
  avg_frame_rate: z.string().optional(),
  time_base: z.string().optional(),
  start_time: z.string().optional(),
  duration: z.string().optional(),
  sample_rate: z.string().optional(),
  channels: z.number().optional(),
  channel_layout: z.string().optional(),
  bits_per_sample: z.number().optional(),
  bits_per_raw_sample: z.string().optional(),
  disposition: z.record(z.string(), z.number()).default({}),
  tags,
  side_data_list: z.array(z.record(z.string(), z.unknown())).default([]),
});
export type FfprobeStream = z.infer<typeof streamSchema>;

const documentSchema = z.object({
  streams: z.array(streamSchema).default([]),
  chapters: z.array(z.object({ start_time: z.string(), end_time: z.string(), tags })).default([]),
  format: z
    .object({
      format_name: z.string(),
      start_time: z.string().optional(),
      duration: z.string().optional(),
      bit_rate: z.string().optional(),
      probe_score: z.number().optional(),
      tags,
    })
    .optional(),
});
export type FfprobeDocument = z.infer<typeof documentSchema>;

/** Reads ffprobe's JSON. Throws `FFMPEG_FAILED` for what is none. */
export function readFfprobeDocument(text: string): FfprobeDocument {
  try {
    return documentSchema.parse(JSON.parse(text === '' ? '{}' : text));
  } catch (error) {
    throw new UpscaleError('FFMPEG_FAILED', 'ffprobe printed something that cannot be read.', {
      cause: error,
    });
  }
}

/** A number, or null for what is absent or `N/A`. */
export function readNumber(text: string | undefined): number | null {
  if (text === undefined) return null;
  const value = Number(text);
  return text.trim() === '' || !Number.isFinite(value) ? null : value;
}
