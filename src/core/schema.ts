import { z } from 'zod';

/** A {@link Rational} in JSON: `{ "num": 30000, "den": 1001 }`. */
export const rationalSchema = z.object({
  num: z.int(),
  den: z.int().positive(),
});
