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
  readonly seconds: number;
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
  '| clip | exit | frames in | frames out | size in | size out | streams kept | verify | seconds |',
);
console.log('| --- | --- | --- | --- | --- | --- | --- | --- | --- |');
for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
  if (!entry.isFile() || entry.name.endsWith('.md')) continue;
  console.log(format(await upscaleClip(path.join(entry.parentPath, entry.name))));
}

async function upscaleClip(clip: string): Promise<Row> {
  const output = path.join(String(outputFolder), `${path.basename(clip)}.mkv`);
  await rm(output, { force: true });
  const started = performance.now();
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
  const seconds = (performance.now() - started) / 1000;
  return { clip: path.relative(String(folder), clip), exit, seconds, json, error: stderr.trim() };
}

function format({ clip, exit, seconds, json, error }: Row): string {
  if (json?.result === undefined) {
    return `| ${clip} | ${String(exit)} | refused: ${error.split('\n')[0] ?? ''} | | | | | | ${seconds.toFixed(1)} |`;
  }
  const { plan, frames } = json.result;
  const { video, others } = plan.source;
  const kept = plan.assemble.streams.filter(({ action }) => action !== 'drop').length;
  const failed = json.verify.rows.filter(({ status }) => status === 'failed').map(({ check }) => check);
  return `| ${clip} | ${String(exit)} | ${String(video.scan.frames)} | ${String(frames)} | ${video.width}x${video.height} | ${plan.geometry.width}x${plan.geometry.height} | ${String(kept)} of ${String(others.length)} | ${failed.length === 0 ? 'ok' : `failed: ${failed.join(', ')}`} | ${seconds.toFixed(1)} |`;
}
