/**
 * `npm run bench [-- --quick]`: what Upreel itself costs; `npm run bench -- models ...`: what models gain and cost; `npm run bench -- temporal
 * ...`: what blending over time does; `npm run bench -- cluster`: what segments and the queue cost; `npm run bench -- sizing`: what a frame of a tape costs
 * on its way to 4K; `npm run bench -- stages`: the stages, and what a user would take instead; `npm run bench -- preview [SECONDS]`: how soon
 * and how steadily the preview plays. Prints a table on stderr and JSON on stdout. Machines are noisy: compare ratios of one run.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { benchCluster } from './cluster.ts';
import { describeMachine } from './machine.ts';
import { benchMemory } from './memory.ts';
import { benchModels, describeRow } from './models.ts';
import { benchOverhead } from './overhead.ts';
import { benchPreview } from './preview.ts';
import { benchSizing } from './sizing.ts';
import { benchStages } from './stages.ts';
import { benchStartUp } from './start-up.ts';
import { benchTemporal } from './temporal.ts';

const [command, ...rest] = process.argv.slice(2);
if (command === 'models') await printModels(rest);
else if (command === 'temporal') await printTemporal(rest);
else if (command === 'cluster') await printCluster(process.argv.includes('--quick'));
else if (command === 'sizing') await printSizing();
else if (command === 'stages') await printStages(rest);
else if (command === 'preview') await printPreview(Number(rest[0] ?? 60));
else await printCosts(process.argv.includes('--quick'));

async function printModels(args: readonly string[]): Promise<void> {
  const bench = await benchModels(args);
  console.error("gains over ffmpeg's Lanczos in dB of Y-PSNR; CPU milliseconds of one 640x360 frame");
  table(bench.rows.map(describeRow));
  for (const { model, reason } of bench.refused) console.error(`${model} cannot be read: ${reason}`);
  console.log(JSON.stringify({ machine: describeMachine(), ...bench }, null, 2));
}

async function printTemporal(args: readonly string[]): Promise<void> {
  const bench = await benchTemporal(args);
  const { noise, clean, ways, cost } = bench;
  console.error('dB gained over the frame without blending: Gaussian noise of sigma 5 over photographs');
  table(noise ?? []);
  console.error('dB of PSNR that blending changes clean footage by');
  table(clean ?? []);
  console.error(
    'recordings by MPEG-2 and DV: dB gained over enlarging without blending, and in the differences between frames',
  );
  table(ways ?? []);
  table(cost === undefined ? [] : [cost]);
  console.log(JSON.stringify({ machine: describeMachine(), ...bench }, null, 2));
}

async function printCluster(quick: boolean): Promise<void> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'upreel-bench-'));
  try {
    const cluster = await benchCluster(folder, quick ? '160x120' : '360x288', quick ? 15 : 30);
    const { cpu, wall, ...ratios } = cluster;
    table([ratios]);
    table([
      { measured: 'CPU seconds', ...cpu },
      { measured: 'wall seconds', ...wall },
    ]);
    console.log(JSON.stringify({ machine: describeMachine(), cluster }, null, 2));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function printSizing(): Promise<void> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'upreel-bench-'));
  try {
    const sizing = await benchSizing(folder);
    table(sizing.rows);
    console.log(JSON.stringify({ machine: describeMachine(), sizing }, null, 2));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function printStages(args: readonly string[]): Promise<void> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'upreel-bench-'));
  try {
    const bench = await benchStages(folder, args);
    table(
      bench.ways.map(({ way, wallSeconds, cpuSeconds, wallRatio, cpuRatio }) => ({
        way,
        ...{ seconds: wallSeconds.median, cpu: cpuSeconds.median },
        ...{ ratio: wallRatio.median, cpuRatio: cpuRatio.median },
      })),
    );
    table([bench.stages]);
    if (bench.equality !== null) table([bench.equality]);
    for (const { way, reason } of bench.absent) console.error(`${way}: not measured: ${reason}`);
    console.log(JSON.stringify({ machine: describeMachine(), ...bench }, null, 2));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
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

/** On stderr, so that stdout is JSON alone. */
function table(rows: readonly object[]): void {
  new console.Console(process.stderr).table(rows);
}
