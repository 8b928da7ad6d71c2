// Writes the table of docs/models-measured.md from what `npm run bench -- models` printed on stdout: npx tsx scripts/write-models-page.ts FILE.json
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { format } from 'prettier';
import type { Machine } from '../bench/machine.ts';
import { describeRow, type ModelBench } from '../bench/models.ts';
import { replaceSection } from './replace-section.ts';

const [file] = process.argv.slice(2);
if (file === undefined) throw new Error('usage: tsx scripts/write-models-page.ts FILE.json');
const target = fileURLToPath(new URL('../docs/models-measured.md', import.meta.url));
const bench = JSON.parse(await readFile(file, 'utf8')) as ModelBench & {
  readonly machine: Machine;
};
const page = replaceSection(
  await readFile(target, 'utf8'),
  'table',
  'scripts/write-models-page.ts',
  renderTable(),
);
await writeFile(target, await format(page, { parser: 'markdown' }));

function renderTable(): string {
  const rows = bench.rows.map(describeRow);
  const columns = Object.keys(rows[0] ?? {});
  const lines = [
    `${bench.clips.length} clips; ${bench.machine.cpu}, ffmpeg ${bench.machine.ffmpeg}.`,
    '',
    `| ${columns.join(' | ')} |`,
    `|${columns.map((_, i) => (i === 0 ? ' --- |' : ' ---: |')).join('')}`,
    ...rows.map((row) => `| ${columns.map((column) => row[column] ?? '').join(' | ')} |`),
  ];
  if (bench.refused.length > 0) lines.push('', 'What could not be read:', '');
  for (const { model, reason } of bench.refused) lines.push(`- ${model}: ${hideFolders(reason)}`);
  return lines.join('\n');
}

/** Reasons name files by their whole paths, which say nothing to anyone else. */
function hideFolders(reason: string): string {
  return reason.replaceAll(/(?:[A-Za-z]:)?[/\\][^\s:]*[/\\]/g, '');
}
