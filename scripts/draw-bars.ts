/** A bar, and the range that its value was found in. */
export interface Bar {
  readonly label: string;
  readonly min: number;
  readonly median: number;
  readonly max: number;
}

const WIDTH = 800;
const LEFT = 200;
const ROOM = WIDTH - LEFT - 80;
const ROW = 34;
const TOP = 44;
const COLOUR = '#5b8db8';

interface Plot {
  readonly heading: string;
  readonly rows: readonly Bar[];
  /** Where a value stands across, in pixels. */
  readonly x: (value: number) => number;
  /** What marks a value: a bar from the left edge, or a dot where the left edge means nothing. */
  readonly mark: (row: Bar, middle: number) => string;
  /** Drawn beneath all rows. */
  readonly ground: (height: number) => string;
}

/** Bars from zero, with their ranges, as SVG on a ground of its own, so that it can be read on any. */
export function drawBars(heading: string, rows: readonly Bar[]): string {
  const most = Math.max(...rows.map(({ max }) => max));
  const x = (value: number): number => LEFT + (Math.max(0, value) / most) * ROOM;
  const mark = ({ median }: Bar, middle: number): string =>
    `<rect x="${String(LEFT)}" y="${String(middle - 10)}" width="${(x(median) - LEFT).toFixed(1)}" height="20" fill="${COLOUR}"/>`;
  return draw({ heading, rows, x, mark, ground: () => '' });
}

/** Ratios as dots with their ranges on a logarithmic scale, and a line at 1. */
export function drawRatios(heading: string, rows: readonly Bar[]): string {
  const [least, most] = [
    Math.log(Math.min(1, ...rows.map(({ min }) => min))),
    Math.log(Math.max(1, ...rows.map(({ max }) => max))),
  ];
  const x = (value: number): number =>
    LEFT + ((Math.log(value) - least) / Math.max(1e-9, most - least)) * ROOM;
  const mark = ({ median }: Bar, middle: number): string =>
    `<circle cx="${x(median).toFixed(1)}" cy="${String(middle)}" r="7" fill="${COLOUR}"/>`;
  const ground = (height: number): string =>
    `<path d="M${x(1).toFixed(1)} ${String(TOP - 4)}V${String(height - 6)}" stroke="#999" stroke-dasharray="4 4"/>`;
  return draw({ heading, rows, x, mark, ground });
}

function draw({ heading, rows, x, mark, ground }: Plot): string {
  const height = TOP + rows.length * ROW + 10;
  const lines = rows.map((row, i) => {
    const { label, min, median, max } = row;
    const middle = TOP + i * ROW + ROW / 2;
    const [from, to] = [x(min).toFixed(1), x(max).toFixed(1)];
    const range =
      max > min
        ? `<path d="M${from} ${String(middle)}H${to}M${from} ${String(middle - 5)}v10M${to} ${String(middle - 5)}v10" stroke="#222" stroke-width="1.5"/>`
        : '';
    const text = (at: number, anchor: string, words: string): string =>
      `<text x="${at.toFixed(1)}" y="${String(middle + 5)}" text-anchor="${anchor}">${escapeText(words)}</text>`;
    const value = text(x(max) + 12, 'start', median.toPrecision(3));
    return [text(LEFT - 18, 'end', label), mark(row, middle), range, value].join('');
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${String(WIDTH)} ${String(height)}" width="${String(WIDTH)}" height="${String(height)}" font-family="sans-serif" font-size="14" fill="#222" role="img" aria-label="${escapeText(heading)}">`,
    `<rect width="${String(WIDTH)}" height="${String(height)}" fill="#fff"/>`,
    `<text x="10" y="26" font-weight="bold">${escapeText(heading)}</text>`,
    ground(height),
    ...lines,
    '</svg>',
    '',
  ].join('\n');
}

function escapeText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
