import { throwIfAborted } from '../core/errors.ts';
import type { Arena } from '../kernels/arena.ts';
import type { Kernels } from '../kernels/kernels.ts';
import { COMPOSED_INPUT, COMPOSED_OUTPUT } from './graph/compose-ends.ts';
import type { PassLayout } from './infer-layout.ts';
import type { Session } from './onnxruntime.ts';
import {
  copyIntoTile,
  copyOutOfTile,
  copyPaddedPlanes,
  countSetBytes,
  viewPlanes,
  type PlaneSet,
} from './plane-set.ts';

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

export interface PassContext {
  readonly arena: Arena;
  readonly kernels: Kernels;
  readonly signal: AbortSignal | undefined;
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
  const inputBytes = countSetBytes({ ...geometry.source, bits: inputBits, count: planes.input });
  const outputBytes = countSetBytes({ ...geometry.result, bits: outputBits, count: planes.output });
  for (let i = 0; i < repeats; i++) {
    await runOnce(pass, source + i * inputBytes, target + i * outputBytes, context);
  }
}

async function runOnce(
  { layout, session, memory }: OpenPass,
  source: number,
  target: number,
  { arena, kernels, signal }: PassContext,
): Promise<void> {
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
    copyPaddedPlanes(kernels, input, padded);
    input = padded;
  }
  const tileInput = blocks.tileInput > 0 ? { ...input, ...tile, offset: memory.tileInput } : input;
  const isDirect = blocks.tileOutput === 0;
  const tileOutput: PlaneSet = isDirect
    ? output
    : { ...output, width: tile.width * scale, height: tile.height * scale, offset: memory.tileOutput };
  const feeds = { [COMPOSED_INPUT]: viewPlanes(arena, tileInput) };
  const fetches = { [COMPOSED_OUTPUT]: viewPlanes(arena, tileOutput) };
  for (const row of geometry.rows) {
    for (const column of geometry.columns) {
      throwIfAborted(signal);
      if (blocks.tileInput > 0) copyIntoTile(kernels, input, tileInput, column, row);
      await session.run(feeds, fetches);
      if (!isDirect) copyOutOfTile(kernels, tileOutput, output, column, row, scale);
    }
  }
}
