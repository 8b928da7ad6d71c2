import { mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { buildArguments, LEAST_SHIFT } from '../ffmpeg/command.ts';
import { isSpeech, unpackTrack } from '../encode/unpack-speech.ts';
import { runFfmpeg } from '../ffmpeg/process.ts';
import type { ReadOptions } from './read-packets.ts';

/** Where sound is read from. */
export interface SoundFile {
  readonly path: string;
  readonly inputOptions: readonly string[];
}

/** Hash of all samples or packets of each of some tracks; null for one that could not be read. */
export type TrackHashes = ReadonlyMap<number, string | null>;

/**
 * MD5 of whole tracks, one reading of the file for all: of the packets as they are stored (`packets`), or of the samples that come out of
 * the decoder (`samples`, as 32-bit integers).
 */
export async function hashTracks(
  { path: file, inputOptions }: SoundFile,
  tracks: readonly number[],
  kind: 'packets' | 'samples',
  options: ReadOptions,
): Promise<TrackHashes> {
  if (tracks.length === 0) return new Map();
  const folder = await mkdtemp(path.join(os.tmpdir(), 'upreel-hash-'));
  const codec = kind === 'packets' ? ['-c', 'copy'] : ['-c:a', 'pcm_s32le'];
  try {
    await runFfmpeg(
      options.tools,
      buildArguments({
        global: ['-v', 'error'],
        inputs: [{ path: file, options: [...inputOptions] }],
        outputs: tracks.map((index) => ({
          path: path.join(folder, String(index)),
          options: ['-map', `0:${String(index)}`, ...codec, '-f', 'md5'],
        })),
      }),
      { what: `reading the sound of ${file}`, signal: options.signal, logger: options.logger },
    ).catch((error: unknown) => {
      // A track that does not decode has no hash; what was hashed of the others counts.
      if (options.signal?.aborted === true) throw error;
    });
    return new Map(
      await Promise.all(
        tracks.map(async (index): Promise<[number, string | null]> => {
          const text = await readFile(path.join(folder, String(index)), 'utf8').catch(() => '');
          return [index, text.trim() === '' ? null : text.trim()];
        }),
      ),
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Samples a second of {@link readWave}. */
export const WAVE_RATE = 4000;

/** A stretch of a track as one channel of 16-bit samples, from `from` seconds after the file's start on; gaps are silence. */
export async function readWave(
  sound: SoundFile,
  { index, codec }: { readonly index: number; readonly codec: string },
  stretch: { readonly from: number; readonly seconds: number },
  options: ReadOptions,
): Promise<Int16Array> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'upreel-wave-'));
  const target = path.join(folder, 'wave');
  try {
    const speech = isSpeech(codec) ? path.join(folder, 'speech.amr') : null;
    if (speech !== null) await unpackTrack(sound, index, speech, options);
    const { path: file, inputOptions } = speech === null ? sound : { path: speech, inputOptions: [] };
    await runFfmpeg(
      options.tools,
      buildArguments({
        global: ['-v', 'error'],
        inputs: [
          {
            path: file,
            options: [
              ...LEAST_SHIFT,
              ...(stretch.from > 0 ? ['-ss', stretch.from.toFixed(6)] : []),
              ...['-t', stretch.seconds.toFixed(6)],
              ...inputOptions,
            ],
          },
        ],
        outputs: [
          {
            path: target,
            options: [
              ...['-map', `0:${speech === null ? String(index) : '0'}`, '-ac', '1', '-af'],
              `aresample=${String(WAVE_RATE)}:async=1:min_hard_comp=0.01:first_pts=0`,
              ...['-c:a', 'pcm_s16le', '-f', 's16le'],
            ],
          },
        ],
      }),
      { what: `decoding the sound of ${sound.path}`, signal: options.signal, logger: options.logger },
    );
    const bytes = await readFile(target);
    return new Int16Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + (bytes.length & ~1)));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * By how many samples `b` is later than `a`, at most `most` either way, and how alike they then are (normalised correlation, 0..1); null
 * when one of them is as good as silent.
 */
export function findLag(
  a: Int16Array,
  b: Int16Array,
  most: number,
): { lag: number; likeness: number } | null {
  const length = Math.min(a.length, b.length) - 2 * most;
  if (length < WAVE_RATE / 4) return null;
  const energyA = sumSquares(a, most, length);
  if (energyA / length < 100) return null;
  let best = { lag: 0, likeness: -1 };
  // From the middle outwards, so that of a tone's many equal fits the nearest is taken.
  for (let step = 0; step <= 2 * most; step++) {
    const lag = step % 2 === 0 ? 0 - step / 2 : (step + 1) / 2;
    let product = 0;
    for (let i = 0; i < length; i++) product += (a[i + most] ?? 0) * (b[i + most + lag] ?? 0);
    const energyB = sumSquares(b, most + lag, length);
    const likeness = product / Math.sqrt(energyA * Math.max(1, energyB));
    if (likeness > best.likeness + 0.005) best = { lag, likeness };
  }
  return best;
}

function sumSquares(samples: Int16Array, from: number, length: number): number {
  let sum = 0;
  for (let i = from; i < from + length; i++) sum += (samples[i] ?? 0) ** 2;
  return sum;
}
