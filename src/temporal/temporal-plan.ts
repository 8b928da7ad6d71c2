import { z } from 'zod';

export const temporalStrengthSchema = z.enum(['off', 'low', 'medium', 'high']);
export type TemporalStrength = z.infer<typeof temporalStrengthSchema>;

/** How neighbouring frames are made to agree. The window is finite: `radius` frames to each side. */
export const temporalPlanSchema = z.object({
  strength: temporalStrengthSchema,
  /** Frames to each side that a frame's result depends on; 0 when off. */
  radius: z.int().min(0).max(2),
});
export type TemporalPlan = z.infer<typeof temporalPlanSchema>;
