import { displaySize, exactDisplaySize, type StreamFacts } from '../decode/read-video-stream.ts';
import type { Delivery } from './delivery.ts';
import type { Finding } from './finding.ts';

/** Size and shape of the picture as it is shown. */
export function checkGeometry(delivery: Delivery): Finding[] {
  return [checkSize(delivery), checkShape(delivery), checkPixels(delivery)];
}

function checkSize({ source, output, run }: Delivery): Finding {
  const { width, height } = output.video;
  const actual = `${width}x${height}`;
  if (run !== null) {
    const wanted = run.plan.geometry;
    const good = wanted.width === width && wanted.height === height;
    return {
      check: 'size',
      status: good ? 'ok' : 'failed',
      expected: `${wanted.width}x${wanted.height}`,
      actual,
    };
  }
  const { displayWidth, displayHeight } = source.video;
  const larger = shownArea(output.video) >= displayWidth * displayHeight;
  return {
    check: 'size',
    status: larger ? 'ok' : 'warning',
    expected: `${displayWidth}x${displayHeight} or more`,
    actual,
    note: larger ? undefined : 'smaller than the source is shown',
  };
}

function shownArea({ displayWidth, displayHeight }: StreamFacts): number {
  return displayWidth * displayHeight;
}

/** Pixels by which the shape may differ: sizes are whole and even. */
const MOST_PIXELS_OFF = 2;

function checkShape({ source, output }: Delivery): Finding {
  const wanted = shapeOf(source.video);
  const actual = shapeOf(output.video);
  const shown = displaySize(output.video);
  const off = Math.min(
    Math.abs(shown.height * wanted - shown.width),
    Math.abs(shown.width / wanted - shown.height),
  );
  const row = { check: 'shape', expected: `${wanted.toFixed(4)}:1`, actual: `${actual.toFixed(4)}:1` };
  if (off <= MOST_PIXELS_OFF) return { ...row, status: 'ok' };
  const percent = 100 * (actual / wanted - 1);
  return {
    ...row,
    status: 'failed',
    note: `shown ${Math.abs(percent).toFixed(1)} % too ${percent > 0 ? 'wide' : 'narrow'}`,
  };
}

/** Width of the picture as shown, in units of its height. */
function shapeOf(video: StreamFacts): number {
  const { width, height } = exactDisplaySize(video);
  return width / height;
}

function checkPixels({ output, run }: Delivery): Finding {
  const { sampleAspectRatio: aspect, rotation, mirrored } = output.video;
  const square = aspect.num === aspect.den;
  const upright = rotation === 0 && !mirrored;
  const actual = [
    square ? 'square' : `${aspect.num}:${aspect.den}`,
    upright ? 'upright' : `turned by ${rotation} degrees${mirrored ? ' and mirrored' : ''} when shown`,
  ].join(', ');
  const row = { check: 'pixels', expected: 'square, upright', actual };
  if (square && upright) return { ...row, status: 'ok' };
  const planned = run?.plan.encode.sampleAspectRatio;
  if (upright && planned !== undefined && planned.num === aspect.num && planned.den === aspect.den) {
    return { ...row, status: 'ok', note: 'whole even pixels cannot give the shape' };
  }
  return { ...row, status: 'warning', note: 'right only in players that heed it' };
}
