import { throwIfAborted } from '../core/errors.ts';
import type { Plane } from '../core/frame.ts';
import type { Arena } from '../kernels/arena.ts';
import { copyPadded, copyRect } from '../kernels/copy.ts';
import type { Kernels } from '../kernels/kernels.ts';
import { COMPOSED_INPUT, COMPOSED_OUTPUT } from './graph/compose-ends.ts';
import type { PassLayout } from './infer-layout.ts';
import type { Session, TensorView } from './onnxruntime.ts';
import type { TileSpan } from './pass-geometry.ts';

/** Arena offsets of a pass's blocks; those of size 0 are never looked at. */
export interface PassMemory {
  readonly padded: number;
  readonly tileInput: number;
  readonly tileOutput: number;
  readonly result: number;
}

/** A pass with what it runs on. */
export interface OpenPass {
  readonly layout: PassLayout;
  readonly session: Session;
  readonly memory: PassMemory;
}

interface PassContext {
  readonly arena: Arena;
  readonly kernels: Kernels;
  readonly signal: AbortSignal | undefined;
}

interface PlaneSet {
  readonly offset: number;
  readonly width: number;
  readonly height: number;
  readonly bits: number;
  readonly count: number;
}

/**
 * Runs one pass from the planes at byte offset `source` to those at `target`, both in the arena: whole where it can, else tile
 * by tile. `signal` is looked at before each run, never during one.
 */
export async function runPass(
  pass: OpenPass,
  source: number,
  target: number,
  context: PassContext,
): Promise<void> {
  const { geometry, planes, repeats, inputBits, outputBits } = pass.layout;
  const inputBytes = setBytes({ ...geometry.source, bits: inputBits, count: planes.input });
  const outputBytes = setBytes({ ...geometry.result, bits: outputBits, count: planes.output });
  for (let i = 0; i < repeats; i++) {
    await runOnce(pass, source + i * inputBytes, target + i * outputBytes, context);
  }
}

async function runOnce(
  { layout, session, memory }: OpenPass,
  source: number,
  target: number,
  context: PassContext,
): Promise<void> {
  const { arena, kernels, signal } = context;
  const { geometry, planes, blocks } = layout;
  const { scale, tile } = geometry;
  let input: PlaneSet = { offset: source, ...geometry.source, bits: layout.inputBits, count: planes.input };
  const output: PlaneSet = {
    offset: target,
    ...geometry.result,
    bits: layout.outputBits,
    count: planes.output,
  };
  if (blocks.padded > 0) {
    const padded = { ...input, ...geometry.padded, offset: memory.padded };
    for (let i = 0; i < input.count; i++) {
      copyPadded(kernels, planeOf(input, i), planeOf(padded, i), bytesOf(input));
    }
    input = padded;
  }
  const tileInput = blocks.tileInput > 0 ? { ...input, ...tile, offset: memory.tileInput } : input;
  const isDirect = blocks.tileOutput === 0;
  const tileOutput: PlaneSet = isDirect
    ? output
    : { ...output, width: tile.width * scale, height: tile.height * scale, offset: memory.tileOutput };
  const feeds = { [COMPOSED_INPUT]: viewOf(arena, tileInput) };
  const fetches = { [COMPOSED_OUTPUT]: viewOf(arena, tileOutput) };
  for (const row of geometry.rows) {
    for (const column of geometry.columns) {
      throwIfAborted(signal);
      if (blocks.tileInput > 0) copyIn(kernels, input, tileInput, column, row);
      await session.run(feeds, fetches);
      if (!isDirect) copyOut(kernels, tileOutput, output, column, row, scale);
    }
  }
}

function copyIn(kernels: Kernels, from: PlaneSet, tile: PlaneSet, column: TileSpan, row: TileSpan): void {
  const rect = { x: column.start, y: row.start, width: tile.width, height: tile.height };
  for (let i = 0; i < from.count; i++) {
    copyRect(kernels, planeOf(from, i), rect, planeOf(tile, i), { x: 0, y: 0 }, bytesOf(from));
  }
}

function copyOut(
  kernels: Kernels,
  tile: PlaneSet,
  to: PlaneSet,
  column: TileSpan,
  row: TileSpan,
  scale: number,
): void {
  const rect = {
    x: (column.from - column.start) * scale,
    y: (row.from - row.start) * scale,
    width: (column.to - column.from) * scale,
    height: (row.to - row.from) * scale,
  };
  const at = { x: column.from * scale, y: row.from * scale };
  for (let i = 0; i < to.count; i++) {
    copyRect(kernels, planeOf(tile, i), rect, planeOf(to, i), at, bytesOf(to));
  }
}

function planeOf(set: PlaneSet, index: number): Plane {
  const bytes = set.width * set.height * bytesOf(set);
  return { offset: set.offset + index * bytes, width: set.width, height: set.height };
}

function setBytes({ width, height, bits, count }: Omit<PlaneSet, 'offset'>): number {
  return width * height * count * (bits > 8 ? 2 : 1);
}

function viewOf(arena: Arena, set: PlaneSet): TensorView {
  const dims = [1, set.count, set.height, set.width];
  const length = set.count * set.height * set.width;
  const data = set.bits > 8 ? arena.words(set.offset, length) : arena.bytes(set.offset, length);
  return { data, dims };
}

function bytesOf(set: PlaneSet): 1 | 2 {
  return set.bits > 8 ? 2 : 1;
}
