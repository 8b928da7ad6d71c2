// Writes the tables of docs/cluster.md from what `npm run bench -- sizing` printed on stdout: npx tsx scripts/write-sizing.ts FILE.json
import { readFile, writeFile } from 'node:fs/promises';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { format } from 'prettier';
import type { Machine } from '../bench/machine.ts';
import type { SizingBench, SizingRow } from '../bench/sizing.ts';
import { replaceSection } from './replace-section.ts';

const [file] = process.argv.slice(2);
if (file === undefined) throw new Error('usage: tsx scripts/write-sizing.ts FILE.json');
const { sizing, machine } = JSON.parse(await readFile(file, 'utf8')) as {
  readonly sizing: SizingBench;
  readonly machine: Machine;
};

/** An hour of a progressive PAL tape. Fields that become frames of their own make twice as many. */
const FRAMES = 25 * 3600;
/** What a gigabit carries. */
const STORE_BYTES = 110e6;
const CORES = 8;
const WORKERS = [1, 2, 4, 8, 16, 32, 64];

const target = fileURLToPath(new URL('../docs/cluster.md', import.meta.url));
const page = replaceSection(
  await readFile(target, 'utf8'),
  'sizing',
  'scripts/write-sizing.ts',
  [...renderCost(), '', ...renderGrowth()].join('\n'),
);
await writeFile(target, await format(page, { parser: 'markdown' }));

function* renderCost(): Generator<string> {
  yield `An hour of tape (DV, 720x576, 25 frames a second: ${String(FRAMES)} frames) to 4K, on cores like that of the machine that it was measured on (${machine.cpu}). Processor time, which does not tell of waiting; two threads of one core count for less than two cores. Tapes whose fields become frames cost twice as much.`;
  yield '';
  yield '| `--to 4k` and | core seconds a frame | core hours | output | cores to keep up with playing |';
  yield '| --- | ---: | ---: | ---: | ---: |';
  for (const row of sizing.rows) {
    const hours = (row.frameSeconds * FRAMES) / 3600;
    yield `| ${name(row)} | ${row.frameSeconds.toFixed(2)} | ${hours.toFixed(0)} | ${gigabytes(row.frameBytes * FRAMES)} | ${String(Math.ceil(row.frameSeconds * 25))} |`;
  }
}

/** A shelf, so that assemblies overlap with segments; a single file has its assembly at its end. */
function* renderGrowth(): Generator<string> {
  yield `Hours of work for an hour of tape from a shelf of many, by workers of ${String(CORES)} cores and a store of ${String(STORE_BYTES / 1e6)} MB/s (a gigabit), reckoned from those figures. It halves with each doubling until the store is full: that is where the rows end (*store*). Of a single file the assembly comes on top, at its end, on one worker.`;
  yield '';
  yield `| \`--to 4k\` and | ${WORKERS.map((count) => `${String(count)} ${count === 1 ? 'worker' : 'workers'}`).join(' | ')} | assembly of one file |`;
  yield `| --- |${' ---: |'.repeat(WORKERS.length + 1)}`;
  for (const row of sizing.rows) {
    const store = carried(row) / STORE_BYTES / 3600;
    const cells = WORKERS.map((count) => {
      const work = (row.frameSeconds * FRAMES) / (count * CORES) / 3600;
      return work > store ? work.toFixed(2) : `*store* ${store.toFixed(2)}`;
    });
    const assembly = (3 * row.frameBytes * FRAMES + sizing.sourceFrameBytes * FRAMES) / STORE_BYTES / 60;
    yield `| ${name(row)} | ${cells.join(' | ')} | ${assembly.toFixed(0)} min |`;
  }
}

/** Source once for the segments and once for the assembly, which takes the sound from it; the output written and read as segments, written and read as a file. */
function carried({ frameBytes }: SizingRow): number {
  return FRAMES * (2 * sizing.sourceFrameBytes + 4 * frameBytes);
}

function name({ options }: SizingRow): string {
  return options === '' ? 'nothing else' : `\`${options}\``;
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(bytes < 1e10 ? 1 : 0)} GB`;
}
