// Writes the tables of docs/temporal.md from what `npm run bench -- temporal` printed on stdout: npx tsx scripts/write-temporal-page.ts FILE.json [MORE.json]
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { format } from 'prettier';
import type { TemporalBench } from '../bench/temporal.ts';
import { replaceSection } from './replace-section.ts';

const files = process.argv.slice(2);
if (files.length === 0) throw new Error('usage: tsx scripts/write-temporal-page.ts FILE.json [MORE.json]');
type Printed = Partial<TemporalBench> & { readonly machine: { readonly cpu: string } };
const benches = await Promise.all(
  files.map(async (file) => JSON.parse(await readFile(file, 'utf8')) as Printed),
);
const bench: Printed = Object.assign({}, ...benches) as Printed;
const target = fileURLToPath(new URL('../docs/temporal.md', import.meta.url));
const page = replaceSection(
  await readFile(target, 'utf8'),
  'tables',
  'scripts/write-temporal-page.ts',
  [...renderNoise(), ...renderClean(), ...renderWays(), ...renderCost()].join('\n'),
);
await writeFile(target, await format(page, { parser: 'markdown' }));

function* renderNoise(): Generator<string> {
  yield* ['Gaussian noise of sigma 5 over the photographs of `samples/truth`: dB of PSNR gained.', ''];
  yield* [
    '| motion | mean | least | two to each side, mean | least |',
    '| --- | ---: | ---: | ---: | ---: |',
  ];
  const rows = bench.noise ?? [];
  for (const one of rows.filter(({ radius }) => radius === 1)) {
    const two = rows.find(({ motion, radius }) => radius === 2 && motion === one.motion);
    const cells = [one.gain, one.least, two?.gain ?? Number.NaN, two?.least ?? Number.NaN];
    yield `| ${one.motion} | ${cells.map((gain) => gain.toFixed(2)).join(' | ')} |`;
  }
  yield '';
}

function* renderClean(): Generator<string> {
  const rows = bench.clean ?? [];
  const worst = rows.reduce((a, b) => (b.change < a.change ? b : a), { clip: '', change: 0 });
  yield `Clean footage (${new Set(rows.map(({ clip }) => clip)).size} clips, ${rows.length} places), halved and enlarged by \`${bench.model}\`: the worst change by either radius is ${worst.change.toFixed(3)} dB (${worst.clip}), ${rows.filter(({ change }) => change === 0).length} places come out byte for byte.`;
  yield '';
}

function* renderWays(): Generator<string> {
  yield* [
    `Recordings of those clips by MPEG-2 and DV with noise of sigma 3, enlarged by \`${bench.model}\`: dB gained over enlarging without blending, in the picture, and in the differences between frames (flicker).`,
    '',
    '| blending | picture | least | flicker | least |',
    '| --- | ---: | ---: | ---: | ---: |',
  ];
  for (const row of bench.ways ?? []) {
    const cells = [row.picture, row.leastPicture, row.flicker, row.leastFlicker].map((x) => x.toFixed(2));
    yield `| ${row.way} | ${cells.join(' | ')} |`;
  }
  yield '';
}

function* renderCost(): Generator<string> {
  if (bench.cost === undefined) return;
  const { size, milliseconds, millisecondsOfTwo, modelMilliseconds } = bench.cost;
  const share = (100 * milliseconds) / (milliseconds + modelMilliseconds);
  yield `A frame of ${size} takes ${milliseconds.toFixed(1)} ms of one core (${bench.machine.cpu}), ${share.toFixed(0)} % of what blending and \`${bench.model}\` take together; over two to each side ${millisecondsOfTwo.toFixed(1)} ms.`;
}
