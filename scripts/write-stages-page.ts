// Writes the figures of docs/speed.md, and their plots, from what `npm run bench -- stages` printed on stdout: npx tsx scripts/write-stages-page.ts FILE.json
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { format } from 'prettier';
import type { Machine } from '../bench/machine.ts';
import type { Spread, StageBench } from '../bench/stages.ts';
import { drawBars, drawRatios } from './draw-bars.ts';
import { replaceSection } from './replace-section.ts';

const [file] = process.argv.slice(2);
if (file === undefined) throw new Error('usage: tsx scripts/write-stages-page.ts FILE.json');
const bench = JSON.parse(await readFile(file, 'utf8')) as StageBench & { readonly machine: Machine };
const target = docs('speed.md');
await writeFile(docs('images/speed-clock.svg'), drawWays('Time of one frame', 'wallRatio'));
await writeFile(docs('images/speed-cpu.svg'), drawWays('CPU time of one frame', 'cpuRatio'));
await writeFile(docs('images/speed-stages.svg'), drawStages());
const page = replaceSection(
  await readFile(target, 'utf8'),
  'figures',
  'scripts/write-stages-page.ts',
  renderFigures(),
);
await writeFile(target, await format(page, { parser: 'markdown' }));

function docs(name: string): string {
  return fileURLToPath(new URL(`../docs/${name}`, import.meta.url));
}

function renderFigures(): string {
  const { clip, machine, rounds, model, ways, equality, absent, versions } = bench;
  const used = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  const lines = [
    `${String(clip.frames)} frames of ${String(clip.width)}x${String(clip.height)}, twice as large by \`${model}\`, ${String(rounds)} rounds; ${machine.cpu}, ${String(machine.cores)} cores, Node ${machine.node}, ${[`ffmpeg ${machine.ffmpeg}`, ...used].join(', ')}. Ratios are over Upreel's in the same round: smallest, median, largest.`,
    '',
    '![Time of a frame by each way, over that of Upreel](images/speed-clock.svg)',
    '',
    '![CPU time of a frame by each way, over that of Upreel](images/speed-cpu.svg)',
    '',
    '| way | seconds a frame | ratio | CPU seconds a frame | ratio of CPU | what it does else |',
    '| --- | ---: | --- | ---: | --- | --- |',
    ...ways.map(({ way, note, wallSeconds, cpuSeconds, wallRatio, cpuRatio }) => {
      const cells = [wallSeconds.median.toFixed(3), describe(wallRatio), cpuSeconds.median.toFixed(3)];
      return `| ${[`\`${way}\``, ...cells, describe(cpuRatio), note].join(' | ')} |`;
    }),
    '',
    'Where the processor time of one frame goes, without blending: each part measured alone, and what the run takes beyond them (start, verification, pipes, memory).',
    '',
    '![CPU seconds of a frame by stage](images/speed-stages.svg)',
  ];
  if (equality !== null) {
    const share = (100 * equality.differing).toPrecision(2);
    lines.push(
      '',
      `PyTorch's frames are Upreel's: of ${String(equality.frames)} frames, luma and chroma, ${share} % of the samples differ, by ${String(equality.largest)} code value at most.`,
    );
  }
  if (absent.length > 0) lines.push('', 'Not measured:', '');
  for (const { way, reason } of absent) lines.push(`- ${way}: ${reason}.`);
  return lines.join('\n');
}

function describe({ min, median, max }: Spread): string {
  return [min, median, max].map((value) => value.toPrecision(3)).join(', ');
}

function drawWays(what: string, ratio: 'wallRatio' | 'cpuRatio'): string {
  return drawRatios(
    `${what} over Upreel's: median, smallest and largest of all rounds (logarithmic)`,
    bench.ways.map((row) => ({ label: row.way, ...row[ratio] })),
  );
}

function drawStages(): string {
  const { decode, infer, encode, rest } = bench.stages;
  const rows = Object.entries({ decode, networks: infer, encode, rest });
  return drawBars(
    'CPU seconds of one frame by stage',
    rows.map(([label, value]) => ({ label, min: value, median: value, max: value })),
  );
}
