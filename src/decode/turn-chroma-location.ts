import type { ChromaLocation } from '../core/color.ts';
import type { Orientation } from './display-matrix.ts';

type Known = Exclude<ChromaLocation, 'unknown'>;

/** Where chroma sample 0 lies between luma samples 0 and 1 (H.273, ChromaLocType). */
const PLACES: Readonly<Record<Known, readonly [x: number, y: number]>> = {
  left: [0, 0.5],
  center: [0.5, 0.5],
  topleft: [0, 0],
  top: [0.5, 0],
  bottomleft: [0, 1],
  bottom: [0.5, 1],
};

/**
 * Where chroma lies after 4:2:0 planes were turned and mirrored sample by sample. Places that have no name (right of the pair) become the
 * nearest that has one, half a luma sample away.
 */
export function turnChromaLocation(
  location: ChromaLocation,
  o: Orientation & { readonly width: number; readonly height: number },
): ChromaLocation {
  if (location === 'unknown') return location;
  let [x, y] = PLACES[location];
  let { width, height } = o;
  for (let turn = 0; turn < o.rotation; turn += 90) {
    [x, y] = [flip(y, height), x];
    [width, height] = [height, width];
  }
  if (o.mirrored) x = flip(x, width);
  const distance = (name: Known): number => Math.abs(PLACES[name][0] - x) + Math.abs(PLACES[name][1] - y);
  const names = Object.keys(PLACES) as Known[];
  return names.reduce((best, name) => (distance(name) < distance(best) ? name : best));
}

/** An even number of luma samples turns the first of a pair into the last; an odd one leaves it first. */
function flip(place: number, size: number): number {
  return size % 2 === 0 ? 1 - place : -place;
}
