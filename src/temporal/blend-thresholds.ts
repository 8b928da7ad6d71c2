import { comparisonShift } from './noise-estimate.ts';
import type { TemporalStrength } from './temporal-plan.ts';

/** Up to which difference a neighbour is trusted, in standard deviations of the noise. */
interface Trust {
  /** Trusted in full up to `from`, not at all from `to` on. */
  readonly from: number;
  readonly to: number;
}

interface StrengthTable {
  /** Weight of one neighbour at most; a third is the plain mean of three frames. */
  readonly weight: number;
  /** Mean absolute difference in 5 x 5 samples. White noise gives 1.13 +- 0.17, that of codecs varies more. */
  readonly absolute: Trust;
  /** Absolute mean difference in 5 x 5 samples. White noise gives 0 +- 0.28, that of codecs is smoother. */
  readonly signed: Trust;
  /** The sample's own difference. Noise alone gives 0 +- 1.41. */
  readonly own: Trust;
}

const STRENGTHS: Record<Exclude<TemporalStrength, 'off'>, StrengthTable> = {
  low: {
    weight: 0.14,
    absolute: { from: 1.35, to: 1.9 },
    signed: { from: 0.55, to: 1.1 },
    own: { from: 3, to: 4 },
  },
  medium: {
    weight: 0.24,
    absolute: { from: 1.5, to: 2.2 },
    signed: { from: 0.8, to: 1.4 },
    own: { from: 3.2, to: 4.5 },
  },
  high: {
    weight: 1 / 3,
    absolute: { from: 2, to: 3.2 },
    signed: { from: 1.3, to: 2.4 },
    own: { from: 3.5, to: 5 },
  },
};

/**
 * Code values at 8 bit: up to the first, noise may as well be what motion did not explain, and is left alone; from the second on all that the
 * strength allows is done; what is above the third is not noise.
 */
const LEAST_NOISE = 0.6;
const FULL_NOISE = 1.3;
const MOST_NOISE = 12;

/** A neighbour's sample may lie outside of the 3 x 3 samples around by so many standard deviations of the noise. */
const SLACK = 1;

const WINDOW_SAMPLES = 25;
/** The kernel sees a sample's own difference in sixteenths. */
const OWN_STEPS = 16;
const ONE = 32767;

/** The numbers that the `blendPlane` kernel works with. */
export interface BlendThresholds {
  /**
   * For the sum of absolute differences, the absolute sum of differences, and the own difference: the limit from which on
   * nothing is trusted, the span below it over which trust rises, and its slope; then the largest weight, and the largest
   * difference that counts; how far it may lie beyond the samples around. 12 int16.
   */
  readonly values: Int16Array;
  /** Fractional bits of the blend. */
  readonly fraction: number;
}

/**
 * Turns the noise of a plane into thresholds; null when there is too little noise to do anything.
 *
 * @param sigma - Of the noise, in code values after {@link comparisonShift}.
 */
export function computeThresholds(
  strength: TemporalStrength,
  sigma: number,
  bits: number,
): BlendThresholds | null {
  if (strength === 'off') return null;
  const shift = comparisonShift(bits);
  const unit = 2 ** (bits - shift - 8);
  if (!(sigma > LEAST_NOISE * unit)) return null;
  const part = Math.min(1, (sigma / unit - LEAST_NOISE) / (FULL_NOISE - LEAST_NOISE));
  const noise = Math.min(sigma, MOST_NOISE * unit);
  const table = STRENGTHS[strength];
  const reach = Math.ceil(table.own.to * noise) * 2 ** shift;
  let fraction = 6;
  while (reach * 2 ** fraction > ONE) fraction--;
  return {
    values: Int16Array.of(
      ...computeRamp(table.absolute, noise * WINDOW_SAMPLES),
      ...computeRamp(table.signed, noise * WINDOW_SAMPLES),
      ...computeRamp(table.own, noise * OWN_STEPS),
      Math.round(part * table.weight * (ONE + 1)),
      reach,
      Math.min(ONE, Math.round(SLACK * noise * 2 ** shift)),
    ),
    fraction,
  };
}

function computeRamp({ from, to }: Trust, scale: number): [limit: number, span: number, slope: number] {
  const limit = Math.round(to * scale);
  const span = Math.max(1, limit - Math.round(from * scale));
  return [limit, span, Math.floor(ONE / span)];
}
