/**
 * Seconds of CPU and of the clock that UpscalerJS takes for frames of raw RGB, its start left out: `tsx bench/upscalerjs-frames.ts FOLDER FILE
 * WIDTH HEIGHT FRAMES`. FOLDER holds the packages, which are none of Upreel's own. Prints JSON.
 *
 * UpscalerJS asks for tfjs-node on Node, which downloads its library when it is installed; where it is not there, its operations
 * are those of tfjs-backend-wasm, and of plain JavaScript without that.
 */
import { readFileSync } from 'node:fs';
import { createRequire, Module } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

interface Tensorflow {
  setBackend(name: string): Promise<boolean>;
  getBackend(): string;
  tensor3d(values: Uint8Array, shape: readonly number[], type: string): unknown;
  readonly io: { registerLoadRouter(router: (url: unknown) => object | null): void };
}
type Upscaler = new (options: { readonly model: unknown }) => {
  upscale(tensor: unknown, options: { readonly output: 'tensor' }): Promise<{ dispose(): void }>;
};
interface ModelFile {
  readonly modelTopology: object;
  readonly weightsManifest: readonly {
    readonly paths: readonly string[];
    readonly weights: readonly object[];
  }[];
}

const [folder = '', file = '', ...numbers] = process.argv.slice(2);
const [width = 0, height = 0, frames = 0] = numbers.map(Number);
const load = createRequire(path.resolve(folder, 'package.json'));
const tf = await openTensorflow();
const model: unknown = load('@upscalerjs/default-model');
const upscaler = new (load('upscaler/node') as Upscaler)({ model });
const bytes = readFileSync(file);
const upscale = async (frame: number, lines: number): Promise<void> => {
  const start = frame * width * height * 3;
  const pixels = new Uint8Array(bytes.subarray(start, start + width * lines * 3));
  const result = await upscaler.upscale(tf.tensor3d(pixels, [lines, width, 3], 'int32'), {
    output: 'tensor',
  });
  result.dispose();
};
await upscale(0, 16);
const [cpu, started] = [process.cpuUsage(), performance.now()];
for (let i = 0; i < frames; i++) await upscale(i, height);
const { user, system } = process.cpuUsage(cpu);
console.log(
  JSON.stringify({
    backend: tf.getBackend(),
    cpuSeconds: (user + system) / 1e6,
    wallSeconds: (performance.now() - started) / 1000,
  }),
);

async function openTensorflow(): Promise<Tensorflow> {
  try {
    return load('@tensorflow/tfjs-node') as Tensorflow;
  } catch {
    const plain = load('@tensorflow/tfjs') as Tensorflow;
    const lookUp = Module as unknown as { _resolveFilename(name: string, ...rest: unknown[]): string };
    const resolve = lookUp._resolveFilename.bind(Module);
    lookUp._resolveFilename = (name, ...rest) =>
      resolve(name === '@tensorflow/tfjs-node' ? '@tensorflow/tfjs' : name, ...rest);
    try {
      load('@tensorflow/tfjs-backend-wasm');
      await plain.setBackend('wasm');
    } catch {
      await plain.setBackend('cpu');
    }
    plain.io.registerLoadRouter((url) =>
      typeof url === 'string' && url.startsWith('file:')
        ? { load: () => readModel(fileURLToPath(url)) }
        : null,
    );
    return plain;
  }
}

function readModel(file: string): Promise<object> {
  const { modelTopology, weightsManifest } = JSON.parse(readFileSync(file, 'utf8')) as ModelFile;
  const parts = weightsManifest.flatMap(({ paths }) => paths);
  const weights = Buffer.concat(parts.map((part) => readFileSync(path.join(path.dirname(file), part))));
  return Promise.resolve({
    modelTopology,
    weightSpecs: weightsManifest.flatMap((manifest) => manifest.weights),
    weightData: new Uint8Array(weights).buffer,
  });
}
