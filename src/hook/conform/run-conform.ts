import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { throwIfAborted, UpscaleError } from '../../core/errors.ts';
import { moveIntoPlace } from '../../encode/move-into-place.ts';
import type { CallOptions, Upscale } from '../upscale-call.ts';
import type { ConformPlan } from './plan-conform.ts';
import type { Piece } from './timeline.ts';

export interface ConformResult {
  /** The new timeline. */
  readonly output: string;
  readonly pieces: readonly {
    readonly source: string;
    readonly first: number;
    readonly frames: number;
    readonly path: string;
    /** False when verification found something wrong; null for a piece of an earlier run. */
    readonly verified: boolean | null;
  }[];
  /** Media and parts of the timeline that stay as they are, each in one sentence. */
  readonly kept: readonly string[];
  /** Every piece was found right. */
  readonly verified: boolean;
}

const JOURNAL = 'upreel-conform.json';
/** The plan's hash of each finished piece, by file name. */
const journalSchema = z.record(z.string(), z.string());

/**
 * Upscales the pieces and then writes the new timeline. Pieces that an earlier run of the same plan finished are taken over; the timeline
 * is whole or absent. Throws what upscaling throws, and `OUTPUT_EXISTS`.
 */
export async function runConform(
  plan: ConformPlan,
  upscale: Upscale,
  {
    overwrite,
    onPiece,
    ...call
  }: CallOptions & {
    readonly overwrite: boolean;
    readonly onPiece?: (piece: Piece, index: number, count: number) => void;
  },
): Promise<ConformResult> {
  const { output, mediaFolder, pieces, facts, timeline } = plan;
  await refuseExisting(output, overwrite);
  await makeFolder(mediaFolder);
  const journal = await readJournal(mediaFolder);
  const done: ConformResult['pieces'][number][] = [];
  for (const [index, { piece, request, plan: made }] of pieces.entries()) {
    throwIfAborted(call.signal);
    const name = path.basename(piece.path);
    const { source, first, end } = piece;
    const row = { source: source.path, first, frames: end - first, path: piece.path };
    if (journal[name] === made.hash && (await exists(piece.path))) {
      done.push({ ...row, verified: null });
      continue;
    }
    onPiece?.(piece, index, pieces.length);
    const { verify } = await upscale(source.path, { ...request, overwrite }, call);
    const verified = verify?.ok ?? false;
    // A piece that was found wrong is made again.
    if (verified) journal[name] = made.hash;
    await writeFile(path.join(mediaFolder, JOURNAL), JSON.stringify(journal, null, 2));
    done.push({ ...row, verified });
  }
  const { text, kept } = timeline.write(facts, {
    ...(plan.size ?? { width: 0, height: 0 }),
    folder: path.dirname(output),
    findPiece: (media, first, end) => {
      const source = facts.get(media)?.path;
      return pieces.find(
        ({ piece }) => piece.source.path === source && piece.first <= first && end <= piece.end,
      )?.piece;
    },
  });
  await writeTimeline(output, text, overwrite);
  return {
    output,
    pieces: done,
    kept: [...plan.left, ...kept],
    verified: done.every(({ verified }) => verified !== false),
  };
}

async function exists(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  );
}

async function refuseExisting(output: string, overwrite: boolean): Promise<void> {
  if (overwrite || !(await exists(output))) return;
  throw new UpscaleError('OUTPUT_EXISTS', `The output ${output} exists already.`, {
    hint: 'Replace it with -y (--overwrite), or give another name with -o PATH.',
  });
}

async function makeFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true }).catch((error: unknown) => {
    throw new UpscaleError('OUTPUT_UNWRITABLE', `The folder ${folder} cannot be made.`, {
      cause: error,
      hint: 'Name a timeline in a folder that you may write to: -o PATH.',
    });
  });
}

async function readJournal(folder: string): Promise<Record<string, string>> {
  try {
    return journalSchema.parse(JSON.parse(await readFile(path.join(folder, JOURNAL), 'utf8')));
  } catch {
    return {};
  }
}

async function writeTimeline(output: string, text: string, overwrite: boolean): Promise<void> {
  const unfinished = `${output}.${randomBytes(4).toString('hex')}.part`;
  try {
    await writeFile(unfinished, text);
    await moveIntoPlace(unfinished, output, overwrite);
  } catch (error) {
    await rm(unfinished, { force: true });
    throw UpscaleError.from(error, 'OUTPUT_UNWRITABLE');
  }
}
