import { escapeHtml } from '../jobs/page.ts';

/** The value of one frame; null where it has none. */
interface CurvePoint {
  readonly frame: number;
  readonly value: number | null;
}

const WIDTH = 1100;
const HEIGHT = 150;
const LEFT = 70;
const EDGE = 8;
/** More points than this cannot be told apart: of each group, the least and the greatest are drawn. */
const MOST_POINTS = 2000;

/** A curve over the frames as SVG, in the colour of the page's text; a sentence where no frame has a value. */
export function drawCurve(
  heading: string,
  points: readonly CurvePoint[],
  { unit, digits }: { readonly unit: string; readonly digits: number },
): string {
  const known = points.flatMap(({ frame, value }) => (value === null ? [] : [{ frame, value }]));
  const [first, last] = [known[0], known.at(-1)];
  if (first === undefined || last === undefined) {
    return `<p>${escapeHtml(heading)}: no frame has a value.</p>`;
  }
  const least = known.reduce((a, b) => (b.value < a.value ? b : a), first);
  const greatest = known.reduce((a, b) => (b.value > a.value ? b : a), first);
  const room = Math.max(greatest.value - least.value, 10 ** -digits);
  const x = (frame: number): number =>
    LEFT + ((frame - first.frame) / Math.max(1, last.frame - first.frame)) * (WIDTH - LEFT - EDGE);
  const y = (value: number): number => EDGE + ((greatest.value - value) / room) * (HEIGHT - 2 * EDGE);
  const line = thinOut(known).map(({ frame, value }) => `${x(frame).toFixed(1)},${y(value).toFixed(1)}`);
  const label = (value: number): string =>
    `<text x="0" y="${String(Math.round(y(value) + 4))}">${value.toFixed(digits)}${unit}</text>`;
  return `<figure><figcaption><span>${escapeHtml(heading)}</span><span>frames ${String(first.frame)} to ${String(last.frame)}, least at ${String(least.frame)}</span></figcaption>
<svg class="curve" viewBox="0 0 ${String(WIDTH)} ${String(HEIGHT)}" role="img" aria-label="${escapeHtml(heading)}">
<path d="M${String(LEFT)} ${String(EDGE)}H${String(WIDTH - EDGE)}M${String(LEFT)} ${String(HEIGHT - EDGE)}H${String(WIDTH - EDGE)}" class="grid"/>
${label(greatest.value)}${least.value < greatest.value ? label(least.value) : ''}
<polyline points="${line.join(' ')}"/>
<circle cx="${x(least.frame).toFixed(1)}" cy="${y(least.value).toFixed(1)}" r="4"/>
</svg></figure>`;
}

function thinOut<Point extends { readonly frame: number; readonly value: number }>(
  points: readonly Point[],
): readonly Point[] {
  if (points.length <= MOST_POINTS) return points;
  const size = Math.ceil((2 * points.length) / MOST_POINTS);
  const kept: Point[] = [];
  for (let at = 0; at < points.length; at += size) {
    const group = points.slice(at, at + size).sort((a, b) => a.value - b.value);
    const ends = [group[0], group.at(-1)].filter((point) => point !== undefined);
    kept.push(...[...new Set(ends)].sort((a, b) => a.frame - b.frame));
  }
  return kept;
}
