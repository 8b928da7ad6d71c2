import { z } from 'zod';

/** Something the user is told: what was decided and why, or what will not be as they might expect. */
export const noticeSchema = z.object({
  level: z.enum(['info', 'warning']),
  /** Stable, for programs: `alpha-dropped`, `audio-transcoded`, ... */
  code: z.string(),
  /** One sentence in plain words. */
  message: z.string(),
});
export type Notice = z.infer<typeof noticeSchema>;

/** One decision of a plan: what, and the reason. */
export const decisionSchema = z.object({
  /** What was decided on: `deinterlace`, `model`, `encoder`, ... */
  topic: z.string(),
  choice: z.string(),
  reason: z.string(),
});
export type Decision = z.infer<typeof decisionSchema>;
