/**
 * Runs `upreel upscale` on every clip of a folder and prints a table of what came out, in Markdown.
 *
 *     npx tsx bench/clips-table.ts FOLDER OUTPUT_FOLDER [upscale options]
 */
import { spawn } from 'node:child_process';
import { mkdir, readdir, rm } from 'node:fs/promises';
import path from 'node:path';

interface Row {
  readonly clip: string;
  readonly exit: number;
  readonly json: UpscaleJson | null;
  readonly error: string;
}

interface UpscaleJson {
  readonly result: {
    readonly frames: number;
    readonly bytes: number;
    readonly plan: {
      readonly source: {
        readonly video: {
          readonly scan: { readonly frames: number };
          readonly width: number;
          readonly height: number;
        };
        readonly others: readonly unknown[];
      };
      readonly geometry: { readonly width: number; readonly height: number };
      readonly assemble: { readonly streams: readonly { readonly action: string }[] };
    };
  };
  readonly verify: {
    readonly rows: readonly { readonly check: string; readonly status: string; readonly actual: string }[];
  };
}

const [folder, outputFolder, ...options] = process.argv.slice(2);
if (folder === undefined || outputFolder === undefined) {
  console.error('usage: tsx bench/clips-table.ts FOLDER OUTPUT_FOLDER [upscale options]');
  process.exit(2);
}
await mkdir(outputFolder, { recursive: true });
console.log(
  '| clip | exit | frames in | frames out | duration | sync at start and end | size in | size out | streams kept | verified |',
);
console.log(`|${' --- |'.repeat(10)}`);
for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
  if (!entry.isFile() || entry.name.endsWith('.md')) continue;
  console.log(format(await upscaleClip(path.join(entry.parentPath, entry.name))));
}

async function upscaleClip(clip: string): Promise<Row> {
  const output = path.join(String(outputFolder), `${path.basename(clip)}.mp4`);
  await rm(output, { force: true });
  const child = spawn(
    process.execPath,
    ['bin/upreel.js', 'upscale', clip, '-o', output, '--json', '--no-progress', ...options],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const exit = await new Promise<number>((resolve) => child.on('close', (code) => resolve(code ?? -1)));
  let json: UpscaleJson | null = null;
  try {
    json = JSON.parse(stdout) as UpscaleJson;
  } catch {
    // A refused clip prints no document; its error stands in the row.
  }
  return { clip: path.relative(String(folder), clip), exit, json, error: stderr.trim() };
}

function format({ clip, exit, json, error }: Row): string {
  if (json?.result === undefined) {
    const reason =
      error
        .split('\n')[0]
        ?.replace(/^upreel: /, '')
        .replaceAll(String(folder), '') ?? '';
    return `| ${clip} | ${String(exit)} | refused: ${reason} ${'| '.repeat(7)}|`;
  }
  const { plan, frames } = json.result;
  const { video, others } = plan.source;
  const { rows } = json.verify;
  const kept = plan.assemble.streams.filter(({ action }) => action !== 'drop').length;
  const failed = rows.filter(({ status }) => status === 'failed').map(({ check }) => check);
  const find = (check: string): string => rows.find((row) => row.check.startsWith(check))?.actual ?? '';
  const cells = [
    clip,
    exit,
    video.scan.frames,
    frames,
    find('duration'),
    find('sync').replaceAll(/ at the (start|end)/g, ''),
    `${String(video.width)}x${String(video.height)}`,
    `${String(plan.geometry.width)}x${String(plan.geometry.height)}`,
    `${String(kept)} of ${String(others.length)}`,
    failed.length === 0 ? 'ok' : `failed: ${failed.join(', ')}`,
  ];
  return `| ${cells.join(' | ')} |`;
}
