import { UpscaleError } from '../core/errors.ts';
import type { Decision, Notice } from '../core/notice.ts';

/** Sizes that `--to` knows by name: width x height of a lying picture. */
const NAMED_SIZES: Readonly<Record<string, readonly [number, number]>> = {
  '720p': [1280, 720],
  '1080p': [1920, 1080],
  '1440p': [2560, 1440],
  '4k': [3840, 2160],
  '8k': [7680, 4320],
};

/** Beyond this a still picture holds no more that any model could honestly give back. */
const HONEST_MAGNIFICATION = 4;
const LARGEST_MAGNIFICATION = 16;
const LARGEST_SIDE = 16384;

export interface TargetSize {
  readonly width: number;
  readonly height: number;
  /** Enlargement of the display picture that the size asks for, before rounding to even sizes. */
  readonly magnification: number;
  readonly decisions: readonly Decision[];
  readonly notices: readonly Notice[];
}

/**
 * Finds the output's size: whole even pixels of the display picture (not rounded itself) enlarged by `scale`, or fitted into `to` without cropping or
 * stretching. Named sizes turn with the picture (a standing picture is fitted into 2160x3840 for `4k`); `WxH` is taken as written.
 * Throws `USAGE` for what makes no sense: a scale of 1 or less, more than 16 times, sides beyond 16384.
 */
export function chooseTargetSize(
  display: { readonly width: number; readonly height: number },
  asked: { readonly scale: number | undefined; readonly to: string | undefined },
): TargetSize {
  if (asked.scale !== undefined && asked.to !== undefined) {
    throw new UpscaleError('USAGE', 'Both a scale and a target size were given.', {
      hint: 'Give either --scale or --to.',
    });
  }
  const { magnification, reason, box } =
    asked.to === undefined ? fromScale(asked.scale) : fitInto(display, asked.to);
  if (magnification > LARGEST_MAGNIFICATION) {
    throw new UpscaleError(
      'USAGE',
      `${String(round(magnification))} times is more than any model can give; the limit is ${LARGEST_MAGNIFICATION} times.`,
      { hint: `Ask for at most --scale ${LARGEST_MAGNIFICATION}.` },
    );
  }
  const width = toEven(display.width * magnification, box?.[0]);
  const height = toEven(display.height * magnification, box?.[1]);
  if (width > LARGEST_SIDE || height > LARGEST_SIDE) {
    throw new UpscaleError('USAGE', `${width}x${height} is larger than ${LARGEST_SIDE} pixels a side.`, {
      hint: 'Ask for a smaller size, for example --to 8k.',
    });
  }
  return {
    width,
    height,
    magnification,
    decisions: [
      {
        topic: 'size',
        choice: `${width}x${height}`,
        reason: `the picture as shown is ${describeSize(display)}; ${reason}`,
      },
    ],
    notices: describeMagnification(magnification, display, { width, height }),
  };
}

interface Magnification {
  readonly magnification: number;
  readonly reason: string;
  /** What the size must not exceed. */
  readonly box?: readonly [number, number];
}

function fromScale(scale = 2): Magnification {
  if (!Number.isFinite(scale) || scale <= 1) {
    throw new UpscaleError('USAGE', `A scale of ${String(scale)} enlarges nothing.`, {
      hint: 'Give a --scale above 1, for example 2.',
    });
  }
  return { magnification: scale, reason: `times ${String(scale)}` };
}

function fitInto(display: { readonly width: number; readonly height: number }, to: string): Magnification {
  const named = NAMED_SIZES[to.toLowerCase()];
  const written = /^(\d{2,5})x(\d{2,5})$/i.exec(to);
  let box: readonly [number, number];
  if (named !== undefined) {
    box = display.height > display.width ? [named[1], named[0]] : named;
  } else if (written !== null) {
    box = [Number(written[1]), Number(written[2])];
  } else {
    throw new UpscaleError('USAGE', `${to} is no size.`, {
      hint: `Use one of ${Object.keys(NAMED_SIZES).join(', ')}, or WIDTHxHEIGHT.`,
    });
  }
  return {
    magnification: Math.min(box[0] / display.width, box[1] / display.height),
    box,
    reason: `fitted into ${box[0]}x${box[1]} without cropping or stretching`,
  };
}

function describeMagnification(
  magnification: number,
  display: { readonly width: number; readonly height: number },
  size: { readonly width: number; readonly height: number },
): Notice[] {
  if (magnification < 1) {
    return [
      {
        level: 'warning',
        code: 'target-smaller',
        message: `The target is smaller than the source: ${describeSize(display)} is shrunk to ${size.width}x${size.height} by plain resampling, no model runs.`,
      },
    ];
  }
  if (magnification === 1) {
    return [
      {
        level: 'warning',
        code: 'target-equal',
        message: `The target is as large as the source (${size.width}x${size.height}): nothing is enlarged, no model runs.`,
      },
    ];
  }
  if (magnification > HONEST_MAGNIFICATION) {
    return [
      {
        level: 'warning',
        code: 'magnification-high',
        message: `${String(round(magnification))} times is far beyond what the source can tell: expect a smooth, soft picture, not more detail than about ${HONEST_MAGNIFICATION} times would show.`,
      },
    ];
  }
  return [];
}

function describeSize({ width, height }: { readonly width: number; readonly height: number }): string {
  return `${String(Math.round(width))}x${String(Math.round(height))}`;
}

function toEven(value: number, most = Number.POSITIVE_INFINITY): number {
  const even = Math.round(value / 2) * 2;
  return Math.max(2, even > most ? even - 2 : even);
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
