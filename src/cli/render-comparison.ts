import { escapeHtml, renderPage, renderTable } from '../jobs/page.ts';
import { renderNumbers } from '../jobs/render-report.ts';
import type { ComparisonReport, FrameLikeness } from '../measure/compare/compare-files.ts';
import type { DrawnPair } from '../measure/compare/worst-frames.ts';
import { drawCurve } from './draw-curve.ts';

/** What is drawn of each frame, what it is measured in, and digits behind the point. */
const CURVES: readonly (readonly [
  heading: string,
  read: (frame: FrameLikeness) => number | null,
  unit: string,
  digits: number,
])[] = [
  ['PSNR of luma', ({ psnrY }) => psnrY, ' dB', 2],
  ['SSIM', ({ ssim }) => ssim, '', 4],
  ['MS-SSIM', ({ msSsim }) => msSsim, '', 4],
  ['VMAF', ({ vmaf }) => vmaf, '', 2],
  ['Flicker: PSNR of the change from frame to frame', ({ flicker }) => flicker, ' dB', 2],
  ['Sharpness, as a multiple of the reference’s', ({ sharpness }) => sharpness, '', 3],
];

/** A comparison as one page that needs nothing else: figures, curves over the frames, and the worst frames as pictures. */
export function renderComparison(
  report: ComparisonReport,
  rows: readonly (readonly string[])[],
  worst: readonly DrawnPair[],
): string {
  const { all, frames } = report;
  const numbers: [string, string][] = [
    ['PSNR of luma', formatDb(all.psnrY)],
    ['SSIM', all.ssim?.toFixed(4) ?? '–'],
    ['MS-SSIM', all.msSsim?.toFixed(4) ?? '–'],
    ...(all.vmaf === null ? [] : [['VMAF', all.vmaf.toFixed(2)] satisfies [string, string]]),
    ['flicker', all.flicker === null ? '–' : formatDb(all.flicker)],
    ['sharpness', all.sharpness.toFixed(3)],
  ];
  const shown = CURVES.filter(([heading]) => heading !== 'VMAF' || all.vmaf !== null);
  const curves = shown.map(([heading, read, unit, digits]) =>
    drawCurve(
      heading,
      frames.map((frame) => ({ frame: frame.frame, value: read(frame) })),
      { unit, digits },
    ),
  );
  const body = [
    '<h1>Compared with a reference</h1>',
    `<p class="sub">reference: <code>${escapeHtml(report.reference)}</code></p>`,
    `<p class="sub">output: <code>${escapeHtml(report.output)}</code></p>`,
    renderNumbers(numbers),
    renderTable(
      'Figures',
      ['', ''],
      rows.map((cells) => ({ cells: cells.map(escapeHtml) })),
    ),
    `<section>\n<h2>Frame by frame</h2>\n${curves.join('\n')}\n</section>`,
    `<section>\n<h2>The worst frames</h2>\n${worst.map(renderPair).join('\n')}\n</section>`,
  ];
  return renderPage('Compared with a reference', body.join('\n'));
}

function renderPair({ frame, time, psnrY, reference, output, difference }: DrawnPair): string {
  const pictures = (
    [
      ['reference', reference],
      ['output', output],
      ['difference of luma, times 8', difference],
    ] as const
  ).map(
    ([label, bytes]) =>
      `<figure><img class="wide" src="data:image/png;base64,${bytes.toString('base64')}" alt="${label}, frame ${String(frame)}"><figcaption><span>${label}</span></figcaption></figure>`,
  );
  return `<p>Frame ${String(frame)}, at ${time.toFixed(2)} s: ${formatDb(psnrY)}</p>\n<div class="trio">${pictures.join('')}</div>`;
}

function formatDb(value: number): string {
  return value >= 99 ? 'equal' : `${value.toFixed(2)} dB`;
}
