import { randomBytes } from 'node:crypto';
import { UpscaleError } from '../core/errors.ts';
import type { Variant } from './variant.ts';

/** Viewers at once; more are refused. */
const MOST_VIEWERS = 64;
/** Seconds after which a viewer that asks for nothing is no longer worked ahead for. */
const QUIET_SECONDS = 20;
/** Seconds after which it is forgotten. */
const FORGET_SECONDS = 3600;

/** Somebody who watches. Its id cannot be guessed, so it also is the right to watch. */
export class Viewer {
  readonly id = randomBytes(18).toString('base64url');
  #place: { readonly variant: Variant; readonly index: number } | null = null;
  #seen = performance.now();
  #gone = false;

  /** Where it is, as far as it is worth working ahead. */
  get place(): { readonly variant: Variant; readonly index: number } | null {
    return this.#gone || this.quietSeconds > QUIET_SECONDS ? null : this.#place;
  }

  get quietSeconds(): number {
    return (performance.now() - this.#seen) / 1000;
  }

  touch(): void {
    this.#seen = performance.now();
    this.#gone = false;
  }

  moveTo(variant: Variant, index: number): void {
    this.touch();
    this.#place = { variant, index };
  }

  /** It closed its page; it may come back. */
  leave(): void {
    this.#gone = true;
    this.#place = null;
  }
}

export class ViewerList {
  readonly #viewers = new Map<string, Viewer>();

  /** Throws `USAGE` when there are too many. */
  add(): Viewer {
    for (const [id, viewer] of this.#viewers)
      if (viewer.quietSeconds > FORGET_SECONDS) this.#viewers.delete(id);
    if (this.#viewers.size >= MOST_VIEWERS) this.#forgetQuietest();
    const viewer = new Viewer();
    this.#viewers.set(viewer.id, viewer);
    return viewer;
  }

  find(id: string): Viewer | undefined {
    return this.#viewers.get(id);
  }

  places(): { readonly variant: Variant; readonly index: number }[] {
    return [...this.#viewers.values()].map(({ place }) => place).filter((place) => place !== null);
  }

  /** Viewers that are worked for. */
  get active(): number {
    return this.places().length;
  }

  #forgetQuietest(): void {
    const [quietest] = [...this.#viewers.values()].sort((a, b) => b.quietSeconds - a.quietSeconds);
    if (quietest === undefined || quietest.quietSeconds < QUIET_SECONDS) {
      throw new UpscaleError('USAGE', `No more than ${MOST_VIEWERS} can watch at once.`, {
        hint: 'Close a player.',
      });
    }
    this.#viewers.delete(quietest.id);
  }
}
