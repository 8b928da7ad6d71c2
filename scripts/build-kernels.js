// Compiles the SIMD kernels (AssemblyScript) to build/kernels.wasm, unless they are up to date.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const sources = join(root, 'src', 'kernels', 'assembly');
const target = join(root, 'build', 'kernels.wasm');
const stamp = join(root, 'build', 'kernels.stamp');

const FLAGS = [
  ...[
    '--runtime',
    'stub',
    '--noAssert',
    '-O3',
    '--converge',
    '--enable',
    'simd',
    '--uncheckedBehavior',
    'always',
  ],
  // The lane's arena is the memory; its own size is fixed, so any size must be accepted here.
  ...['--importMemory', '--initialMemory', '1', '--maximumMemory', '65536', '--noExportMemory'],
];

const files = readdirSync(sources)
  .filter((name) => name.endsWith('.ts'))
  .sort();

function computeStamp() {
  const hash = createHash('sha256').update(FLAGS.join(' '));
  // The compiler as asked for, not as installed: kernels that are built stay good where it is not installed.
  hash.update(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).devDependencies.assemblyscript);
  for (const name of files) hash.update(`\0${name}\0`).update(readFileSync(join(sources, name)));
  return hash.digest('hex');
}

function readOrEmpty(path) {
  try {
    return readFileSync(path);
  } catch {
    return '';
  }
}

function fail(message) {
  console.error(`build:kernels: ${message}`);
  process.exit(1);
}

/** Stamp and bytes of the kernels as built, so that a half-written or foreign file is built anew. */
function sign(wanted, wasm) {
  return `${wanted} ${createHash('sha256').update(wasm).digest('hex')}\n`;
}

const wanted = computeStamp();
const built = readOrEmpty(target);
if (built.length > 0 && readOrEmpty(stamp).toString() === sign(wanted, built)) process.exit(0);

let asc;
try {
  asc = (await import(import.meta.resolve('assemblyscript/asc'))).default;
} catch (error) {
  fail(
    `the AssemblyScript compiler cannot be loaded (${error.message}). Run "npm ci" with development dependencies.`,
  );
}

const outputs = new Map();
const entries = files.filter((name) => name.startsWith('index')).map((name) => join(sources, name));
const { error, stderr } = await asc.main(
  [...entries, '--outFile', 'kernels.wasm', '--baseDir', sources, ...FLAGS],
  {
    readFile: (name, base) => readSource(join(base, name)) ?? readSource(name),
    writeFile: (name, contents) => void outputs.set(name, contents),
    listFiles: () => [],
  },
);
if (error !== null) fail(`${error.message}\n${stderr.toString()}`);
const wasm = outputs.get('kernels.wasm');
if (wasm === undefined) fail(`the compiler wrote no module.\n${stderr.toString()}`);

// Written under another name first: two builds at once must not leave a mixture.
mkdirSync(join(root, 'build'), { recursive: true });
writeWhole(target, wasm);
writeWhole(stamp, sign(wanted, Buffer.from(wasm)));

function readSource(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}

function writeWhole(path, contents) {
  const temporary = `${path}.${process.pid}.tmp`;
  writeFileSync(temporary, contents);
  renameSync(temporary, path);
}
