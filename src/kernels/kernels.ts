import { readFile } from 'node:fs/promises';
import { UpscaleError } from '../core/errors.ts';
import type { Arena } from './arena.ts';

/** The SIMD kernels, working on one arena. All addresses are byte offsets in it. See `assembly/` for what each does. */
export interface Kernels {
  resampleBytes(
    source: number,
    sourceWidth: number,
    sourceHeight: number,
    target: number,
    width: number,
    height: number,
    row: number,
    padLeft: number,
    padRight: number,
    ring: number,
    ringStride: number,
    starts: number,
    coefficients: number,
    horizontalTaps: number,
    rowStarts: number,
    rowCoefficients: number,
    verticalTaps: number,
  ): void;
  resampleFloats(
    source: number,
    sourceWide: boolean,
    sourceWidth: number,
    sourceHeight: number,
    target: number,
    targetWide: boolean,
    width: number,
    height: number,
    row: number,
    padLeft: number,
    padRight: number,
    ring: number,
    ringStride: number,
    starts: number,
    coefficients: number,
    horizontalTaps: number,
    rowStarts: number,
    rowCoefficients: number,
    verticalTaps: number,
    gain: number,
    bias: number,
    limit: number,
  ): void;
  copyRows(
    source: number,
    sourceStride: number,
    target: number,
    targetStride: number,
    rowBytes: number,
    rows: number,
  ): void;
  copyRowsPadded(
    source: number,
    width: number,
    height: number,
    target: number,
    targetWidth: number,
    targetHeight: number,
    bytesPerSample: number,
  ): void;
  measureBlocks(
    isWide: boolean,
    current: number,
    previous: number,
    next: number,
    width: number,
    height: number,
    shift: number,
    step: number,
    results: number,
  ): number;
  blendPlane(
    isWide: boolean,
    current: number,
    previous: number,
    next: number,
    target: number,
    width: number,
    height: number,
    shift: number,
    fraction: number,
    thresholds: number,
    previousTrust: number,
    nextTrust: number,
    log2BlockWidth: number,
    log2BlockHeight: number,
    work: number,
    stride: number,
  ): void;
  halvePlane(
    isWide: boolean,
    source: number,
    sourceStride: number,
    width: number,
    height: number,
    shift: number,
    target: number,
    stride: number,
  ): void;
  searchBlocks(
    current: number,
    reference: number,
    stride: number,
    width: number,
    height: number,
    step: number,
    columns: number,
    rows: number,
    parents: number,
    parentColumns: number,
    parentRows: number,
    range: number,
    smoothness: number,
    vectors: number,
  ): void;
  measureMatch(
    current: number,
    reference: number,
    stride: number,
    columns: number,
    rows: number,
    vectors: number,
    results: number,
  ): void;
  refineVectors(
    current: number,
    reference: number,
    stride: number,
    width: number,
    height: number,
    step: number,
    columns: number,
    rows: number,
    prior: number,
    rounds: number,
    vectors: number,
  ): void;
  checkVectors(
    step: number,
    columns: number,
    rows: number,
    vectors: number,
    back: number,
    near: number,
    far: number,
    trust: number,
  ): void;
  warpPlane(
    isWide: boolean,
    source: number,
    width: number,
    height: number,
    log2Width: number,
    log2Height: number,
    vectors: number,
    columns: number,
    filters: number,
    bits: number,
    target: number,
  ): void;
  subtractWords(a: number, b: number, target: number, samples: number): void;
  addErrorWords(
    isWide: boolean,
    target: number,
    errors: number,
    samples: number,
    weight: number,
    limit: number,
  ): void;
}

let compiled: Promise<WebAssembly.Module> | undefined;

/**
 * Instantiates the kernels over `arena`'s memory. The module is compiled once a thread.
 *
 * @throws UpscaleError `INTERNAL` when the module was never built, or is damaged.
 */
export async function loadKernels(arena: Arena): Promise<Kernels> {
  compiled ??= compileKernels();
  const instance = await WebAssembly.instantiate(await compiled, {
    env: { memory: arena.memory, abort: stopKernel },
  });
  return instance.exports as unknown as Kernels;
}

async function compileKernels(): Promise<WebAssembly.Module> {
  const url = new URL('../../build/kernels.wasm', import.meta.url);
  try {
    return await WebAssembly.compile(await readFile(url));
  } catch (error) {
    compiled = undefined;
    throw new UpscaleError('INTERNAL', `The kernels at ${url.pathname} cannot be loaded.`, {
      cause: error,
      hint: 'Run `npm run build:kernels`.',
    });
  }
}

function stopKernel(): never {
  throw new UpscaleError('INTERNAL', 'A kernel stopped itself.');
}
