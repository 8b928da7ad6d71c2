import { UpscaleError } from './errors.ts';

/**
 * An exact fraction, always in lowest terms with a positive denominator; both parts are safe integers.
 * Frame rates, time bases and aspect ratios are rationals: 30000/1001 is not 29.97.
 */
export interface Rational {
  readonly num: number;
  readonly den: number;
}

/** Makes a reduced {@link Rational}. Throws `INTERNAL` for a zero denominator or parts beyond 2^53. */
export function rational(num: number | bigint, den: number | bigint = 1): Rational {
  let n = BigInt(num);
  let d = BigInt(den);
  if (d === 0n) throw new UpscaleError('INTERNAL', `Not a fraction: ${String(num)}/0`);
  if (d < 0n) {
    n = -n;
    d = -d;
  }
  const g = gcd(n < 0n ? -n : n, d);
  const result = { num: Number(n / g), den: Number(d / g) };
  if (!Number.isSafeInteger(result.num) || !Number.isSafeInteger(result.den)) {
    throw new UpscaleError('INTERNAL', `Fraction out of range: ${String(num)}/${String(den)}`);
  }
  return result;
}

function gcd(a: bigint, b: bigint): bigint {
  while (b !== 0n) [a, b] = [b, a % b];
  return a === 0n ? 1n : a;
}

/** Reads `30000/1001`, `16:15` or `25`. Returns null for anything else, and for a zero denominator (`0/0` of ffprobe). */
export function parseRational(text: string): Rational | null {
  const match = /^\s*(-?\d+)(?:\s*[/:]\s*(-?\d+))?\s*$/.exec(text);
  if (match === null) return null;
  const den = BigInt(match[2] ?? '1');
  return den === 0n ? null : rational(BigInt(match[1] ?? '0'), den);
}

export function formatRational(value: Rational, separator = '/'): string {
  return `${String(value.num)}${separator}${String(value.den)}`;
}

export function multiply(a: Rational, b: Rational): Rational {
  return rational(BigInt(a.num) * BigInt(b.num), BigInt(a.den) * BigInt(b.den));
}

export function divide(a: Rational, b: Rational): Rational {
  return rational(BigInt(a.num) * BigInt(b.den), BigInt(a.den) * BigInt(b.num));
}

export function add(a: Rational, b: Rational): Rational {
  return rational(
    BigInt(a.num) * BigInt(b.den) + BigInt(b.num) * BigInt(a.den),
    BigInt(a.den) * BigInt(b.den),
  );
}

export function subtract(a: Rational, b: Rational): Rational {
  return add(a, { num: -b.num, den: b.den });
}

/** Negative, zero or positive as `a` is less than, equal to or greater than `b`. */
export function compare(a: Rational, b: Rational): number {
  const difference = BigInt(a.num) * BigInt(b.den) - BigInt(b.num) * BigInt(a.den);
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

export function toNumber(value: Rational): number {
  return value.num / value.den;
}

/**
 * Converts `ticks` of time base `from` to ticks of `to`, rounded to nearest, halves away from zero
 * (ffmpeg's `AV_ROUND_NEAR_INF`).
 */
export function rescale(ticks: number, from: Rational, to: Rational): number {
  const num = BigInt(ticks) * BigInt(from.num) * BigInt(to.den);
  const den = BigInt(from.den) * BigInt(to.num);
  const half = den / 2n;
  return Number(num >= 0n ? (num + half) / den : -((-num + half) / den));
}

/** The exact time in seconds of `ticks` in `timeBase`. */
export function ticksToSeconds(ticks: number, timeBase: Rational): Rational {
  return multiply(rational(ticks), timeBase);
}
