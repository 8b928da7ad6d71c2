import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import type { UpscaleOptions } from '../config/upscale-options.ts';
import { UpscaleError } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import type { Source } from '../decode/source.ts';
import { LanePool } from '../pipeline/lane-pool.ts';
import { locateFrame } from '../pipeline/locate-frame.ts';
import { prepare } from '../pipeline/prepare.ts';
import { renderFrames } from '../pipeline/render-frames.ts';

/** Pairs that wait to be fetched; the oldest go. */
const MOST_KEPT = 4;

/** Two pictures of one frame and of one size: the upscaled one, and the source's pixels enlarged as they are. */
export interface StillPair {
  readonly id: string;
  /** Seconds after the first frame. */
  readonly seconds: number;
  readonly upscaled: Buffer;
  readonly original: Buffer;
}

/** Makes stills in full quality, one after another, through the same plan as a run. */
export class StillMaker {
  readonly #options: { readonly source: Source; readonly directory: string; readonly logger: Logger };
  readonly #kept = new Map<string, StillPair>();
  readonly #ends = new AbortController();
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: { readonly source: Source; readonly directory: string; readonly logger: Logger }) {
    this.#options = options;
  }

  /** @throws UpscaleError what a run throws; `USAGE` for a time after the end */
  async take(upscale: UpscaleOptions, seconds: number): Promise<StillPair> {
    const turn = this.#last.then(() => this.#make(upscale, seconds));
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  find(id: string): StillPair | undefined {
    return this.#kept.get(id);
  }

  async close(): Promise<void> {
    this.#ends.abort();
    await this.#last;
  }

  async #make(upscale: UpscaleOptions, seconds: number): Promise<StillPair> {
    const { source, directory, logger } = this.#options;
    const id = randomBytes(12).toString('base64url');
    const folder = path.join(directory, `still-${id}`);
    const { signal } = this.#ends;
    const pool = new LanePool(1);
    try {
      const draw = async (model: string | undefined): Promise<{ picture: Buffer; seconds: number }> => {
        const wishes = {
          ...upscale,
          model,
          encoder: 'png',
          output: path.join(folder, '%d.png'),
          audio: 'none',
        };
        const { plan, tools } = await prepare(source.path, wishes, { source, signal, logger });
        const frame = await locateFrame(plan, seconds, { tools, signal, logger });
        const target = path.join(folder, model ?? 'default');
        await mkdir(target, { recursive: true });
        const { files } = await renderFrames(plan, [frame], target, { pool, tools, signal, logger });
        return { picture: await readFile(files[0] ?? ''), seconds: frame.seconds };
      };
      const upscaled = await draw(upscale.model);
      const original = await draw('nearest');
      const pair = { id, seconds: upscaled.seconds, upscaled: upscaled.picture, original: original.picture };
      this.#kept.set(id, pair);
      for (const oldest of this.#kept.keys()) {
        if (this.#kept.size <= MOST_KEPT) break;
        this.#kept.delete(oldest);
      }
      return pair;
    } catch (error) {
      throw UpscaleError.from(error);
    } finally {
      await pool.close();
      await rm(folder, { recursive: true, force: true });
    }
  }
}
