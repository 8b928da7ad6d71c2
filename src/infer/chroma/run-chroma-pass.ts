import { throwIfAborted } from '../../core/errors.ts';
import { CHROMA_GUIDE } from '../graph/compose-chroma.ts';
import { COMPOSED_INPUT, COMPOSED_OUTPUT } from '../graph/compose-ends.ts';
import type { Session } from '../onnxruntime.ts';
import { copyIntoTile, copyOutOfTile, copyPaddedPlanes, viewPlanes, type PlaneSet } from '../plane-set.ts';
import type { PassContext } from '../run-pass.ts';
import type { ChromaBlocks, ChromaPassLayout } from './chroma-layout.ts';

/** A chroma pass with what it runs on. Offsets of blocks of size 0 are never looked at. */
export interface OpenChromaPass {
  readonly layout: ChromaPassLayout;
  readonly session: Session;
  readonly memory: ChromaBlocks;
}

/**
 * Runs one chroma pass from the two planes at byte offset `source` to those at `target`, guided by the luma plane at `guide`:
 * whole where it can, else tile by tile. The signal is looked at before each run, never during one.
 */
export async function runChromaPass(
  { layout, session, memory }: OpenChromaPass,
  at: { readonly source: number; readonly guide: number; readonly target: number },
  { arena, kernels, signal }: PassContext,
): Promise<void> {
  const { geometry, blocks, inputBits, outputBits } = layout;
  const { scale, tile } = geometry;
  const large = { width: tile.width * scale, height: tile.height * scale };
  const input: PlaneSet = { offset: at.source, ...geometry.source, bits: inputBits, count: 2 };
  const output: PlaneSet = { offset: at.target, ...geometry.result, bits: outputBits, count: 2 };
  let guide: PlaneSet = { offset: at.guide, ...layout.guide, bits: inputBits, count: 1 };
  if (blocks.guide > 0) {
    const padded = { ...guide, ...geometry.result, offset: memory.guide };
    copyPaddedPlanes(kernels, guide, padded);
    guide = padded;
  }
  const isTiled = blocks.tileChroma > 0;
  const tileChroma = isTiled ? { ...input, ...tile, offset: memory.tileChroma } : input;
  const tileGuide = isTiled ? { ...guide, ...large, offset: memory.tileGuide } : guide;
  const tileOutput = isTiled ? { ...output, ...large, offset: memory.tileOutput } : output;
  const feeds = {
    [COMPOSED_INPUT]: viewPlanes(arena, tileChroma),
    [CHROMA_GUIDE]: viewPlanes(arena, tileGuide),
  };
  const fetches = { [COMPOSED_OUTPUT]: viewPlanes(arena, tileOutput) };
  for (const row of geometry.rows) {
    for (const column of geometry.columns) {
      throwIfAborted(signal);
      if (isTiled) {
        copyIntoTile(kernels, input, tileChroma, column, row);
        copyIntoTile(kernels, guide, tileGuide, column, row, scale);
      }
      await session.run(feeds, fetches);
      if (isTiled) copyOutOfTile(kernels, tileOutput, output, column, row, scale);
    }
  }
}
