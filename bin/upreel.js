#!/usr/bin/env node
// Starts the command line; in a checkout that was installed without its scripts, builds it first.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const main = new URL('../dist/cli/main.js', import.meta.url);
const built = [
  main,
  new URL('../build/kernels.wasm', import.meta.url),
  new URL('../dist/page/index.html', import.meta.url),
];

if (!built.every((file) => existsSync(file))) build();
const { runCommandLine } = await import(main.href);
await runCommandLine(process.argv.slice(2));

function build() {
  console.error('upreel: first start, building (about 20 seconds) ...');
  let compiler;
  try {
    compiler = createRequire(import.meta.url).resolve('typescript/bin/tsc');
  } catch {
    stop('upreel is not built, and the compiler is not installed. Run "npm ci" first.');
  }
  for (const step of [
    [`${root}scripts/build-kernels.js`],
    [compiler, '-p', root],
    [`${root}scripts/build-page.js`],
  ]) {
    const { status } = spawnSync(process.execPath, step, { cwd: root, stdio: ['ignore', 2, 2] });
    if (status !== 0 && !existsSync(main)) stop('Building failed; the messages above say why.');
  }
}

function stop(message) {
  console.error(`upreel: ${message}`);
  process.exit(1);
}
