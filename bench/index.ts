/**
 * `npm run bench [-- --quick]`: what Upreel itself costs; `npm run bench -- models ...`: what models gain and cost; `npm run bench -- preview
 * [SECONDS]`: how soon and how steadily the preview plays. Prints a table on stderr and JSON on stdout. Machines are noisy: compare ratios of one run.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { tools } from './clips.ts';
import { benchMemory } from './memory.ts';
import { benchModels, describeRow } from './models.ts';
import { benchOverhead } from './overhead.ts';
import { benchPreview } from './preview.ts';
import { benchStartUp } from './start-up.ts';

const [command, ...rest] = process.argv.slice(2);
if (command === 'models') await printModels(rest);
else if (command === 'preview') await printPreview(Number(rest[0] ?? 60));
else await printCosts(process.argv.includes('--quick'));

async function printModels(args: readonly string[]): Promise<void> {
  const bench = await benchModels(args);
  console.error("gains over ffmpeg's Lanczos in dB of Y-PSNR; CPU milliseconds of one 640x360 frame");
  table(bench.rows.map(describeRow));
  for (const { model, reason } of bench.refused) console.error(`${model} cannot be read: ${reason}`);
  console.log(JSON.stringify({ machine: describeMachine(), ...bench }, null, 2));
}

async function printPreview(seconds: number): Promise<void> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'upreel-bench-'));
  try {
    const preview = await benchPreview(folder, seconds);
    table([preview]);
    console.log(JSON.stringify({ machine: describeMachine(), preview }, null, 2));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function printCosts(quick: boolean): Promise<void> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'upreel-bench-'));
  try {
    const startUp = await benchStartUp(folder, '720x576', quick ? 3 : 7);
    const overhead = [
      await benchOverhead(folder, '720x576', quick ? 4 : 60),
      await benchOverhead(folder, '1920x1080', quick ? 2 : 20),
    ];
    const memory = [
      await benchMemory(folder, '720x576', 10, []),
      ...(quick ? [] : [await benchMemory(folder, '720x576', 60, [])]),
      await benchMemory(folder, '1920x1080', 2, ['--to', '8k']),
    ];
    console.error('start-up: seconds to the first encoded frame');
    table([{ clip: startUp.clip, ...startUp.seconds }]);
    table(overhead.map(({ parts, ...rest }) => ({ ...rest, ...parts })));
    table(memory);
    console.log(JSON.stringify({ machine: describeMachine(), startUp, overhead, memory }, null, 2));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function describeMachine(): object {
  return {
    cpu: os.cpus()[0]?.model,
    cores: os.availableParallelism(),
    node: process.version,
    ffmpeg: tools.version.text,
  };
}

/** On stderr, so that stdout is JSON alone. */
function table(rows: readonly object[]): void {
  new console.Console(process.stderr).table(rows);
}
