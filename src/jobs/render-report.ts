import path from 'node:path';
import { formatBytes, formatDuration } from '../core/format.ts';
import { escapeAddress, escapeHtml, renderPage, renderTable } from './page.ts';
import type { Report } from './report.ts';

const MARKS = { ok: 'ok', warning: 'differs', failed: 'FAILED' } as const;

/** The page on one output: its stills before and after, what was checked, decided and warned of, and the command. */
export function renderReport(report: Report): string {
  const { source, output, verify, geometry, damage } = report;
  const title = path.basename(output);
  const verdict =
    verify === null
      ? 'Not looked at.'
      : verify.ok
        ? 'The output holds what was promised.'
        : 'The output falls short; see the checks.';
  const body = [
    `<h1>${escapeHtml(title)}</h1>`,
    `<p class="sub">made of ${escapeHtml(source)}</p>`,
    `<p>${verdict}${damage === null ? '' : ' The source was damaged: what could be decoded is in it.'}</p>`,
    renderNumbers([
      [
        'picture',
        `${geometry.displayWidth}x${geometry.displayHeight} → ${geometry.width}x${geometry.height}`,
      ],
      ['frames', String(report.frames)],
      ['size', formatBytes(report.bytes)],
      ['took', formatDuration(report.seconds)],
      ['ran on', report.device],
      ...(report.flicker === null
        ? []
        : ([
            ['restlessness', `${report.flicker.source.toFixed(2)} → ${report.flicker.output.toFixed(2)}`],
          ] as const)),
      ...listFidelity(report),
    ]),
    report.flicker === null
      ? ''
      : '<p class="sub">Restlessness: mean change of luma from frame to frame in the calmer half of the picture, in code values of 8 bits, before and after.</p>',
    renderStills(report),
    renderFidelity(report),
    renderTable(
      'Checked',
      ['', 'what', 'found', 'expected', ''],
      (verify?.rows ?? []).map(({ check, expected, actual, status, note }) => ({
        mark: status,
        cells: [MARKS[status], ...[check, actual, expected === actual ? '' : expected, note].map(escapeHtml)],
      })),
    ),
    renderTable('Warnings', ['', ''], listWarnings(report)),
    renderTable(
      'Decided',
      ['what', 'choice', 'why'],
      report.decisions.map(({ topic, choice, reason }) => ({
        cells: [topic, choice, reason].map(escapeHtml),
      })),
    ),
    renderTable(
      'Options',
      ['option', 'value', 'where it came from'],
      report.options.map(({ name, value, place }) => ({ cells: [name, value, place].map(escapeHtml) })),
    ),
    `<section>\n<h2>The command</h2>\n<pre>${escapeHtml(report.command)}</pre>\n</section>`,
    `<p class="sub">Finished ${escapeHtml(report.finishedAt)}. The same as a document: <a href="${escapeAddress(`${title.replaceAll('%', '_')}.json`)}">JSON</a>.</p>`,
    SCRIPT,
  ];
  return renderPage(title, body.filter((part) => part !== '').join('\n'));
}

export function renderNumbers(numbers: readonly (readonly [name: string, value: string])[]): string {
  const parts = numbers.map(([name, value]) => `<div>${escapeHtml(name)}<b>${escapeHtml(value)}</b></div>`);
  return `<div class="numbers">${parts.join('')}</div>`;
}

function renderStills({ stills }: Report): string {
  if (stills.length === 0) return '';
  const figures = stills.map(({ seconds, before, after }) => {
    const moment = formatMoment(seconds);
    return `<figure>
<div class="compare"><img src="${escapeAddress(before)}" alt="before, at ${moment}"><img src="${escapeAddress(after)}" alt="after, at ${moment}"><input type="range" min="0" max="100" value="50" step="0.1" aria-label="before and after at ${moment}"></div>
<figcaption><span>before (bicubic)</span><span>${moment}</span><span>after</span></figcaption>
</figure>`;
  });
  return `<section>\n<h2>Before and after</h2>\n${figures.join('\n')}\n</section>`;
}

function listFidelity({ fidelity }: Report): (readonly [name: string, value: string])[] {
  if (fidelity === null) return [];
  const { consistency, beyondBand } = fidelity;
  return [
    ['consistency', formatDb(consistency.y)],
    ...(beyondBand === null ? [] : ([['added detail', beyondBand.rms.toFixed(2)]] as const)),
  ];
}

function renderFidelity({ fidelity }: Report): string {
  if (fidelity === null) return '';
  const { consistency, worst, blended, beyondBand, frames, heatMap } = fidelity;
  const chroma = [consistency.u, consistency.v].filter((value) => value !== null).map(formatDb);
  const sentences = [
    `Brought back to the source's samples, ${String(frames)} frames of the output agree with it to ${formatDb(consistency.y)}`,
    ...(chroma.length === 0 ? [] : [` (chroma ${chroma.join(', ')})`]),
    `, the worst, frame ${String(worst.frame)}, to ${formatDb(worst.y)}.`,
    ...(blended === null || Math.abs(blended - consistency.y) < 0.05
      ? []
      : [` Against the source's frames as blending over time left them it is ${formatDb(blended)}.`]),
    ...(beyondBand === null
      ? []
      : [
          ` Detail that is finer than the source can hold, and so was added, is ${beyondBand.rms.toFixed(2)} code values strong, ${(100 * beyondBand.share).toFixed(2)} % of all detail's energy.`,
        ]),
  ];
  return `<section>
<h2>Fidelity</h2>
<p>${escapeHtml(sentences.join(''))}</p>
<p><img src="${escapeAddress(heatMap)}" alt="where the output departs from its source" class="wide"></p>
</section>`;
}

function formatDb(value: number): string {
  return value >= 99 ? 'the last code value' : `${value.toFixed(1)} dB`;
}

function listWarnings({ notices, damage }: Report): { mark: 'warning'; cells: string[] }[] {
  const warnings = notices
    .filter(({ level }) => level === 'warning')
    .map(({ message }) => ['warning', message]);
  if (damage !== null) {
    warnings.push(['damage', `${String(damage.missingFrames)} frames are missing`]);
    warnings.push(...damage.complaints.map((complaint) => ['decoder', complaint]));
  }
  return warnings.map((cells) => ({ mark: 'warning', cells: cells.map(escapeHtml) }));
}

/** `1:02:03.4`. */
function formatMoment(seconds: number): string {
  const minutes = Math.floor(seconds / 60);
  const rest = (seconds - 60 * minutes).toFixed(1).padStart(4, '0');
  const hours = Math.floor(minutes / 60);
  return hours === 0
    ? `${String(minutes)}:${rest}`
    : `${String(hours)}:${String(minutes - 60 * hours).padStart(2, '0')}:${rest}`;
}

const SCRIPT = `<script>
for (const slider of document.querySelectorAll('.compare input'))
  slider.addEventListener('input', () => slider.parentElement.style.setProperty('--at', slider.value + '%'));
</script>`;
