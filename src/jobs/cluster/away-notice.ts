import type { Logger } from '../../core/logger.ts';
import type { QueueAddress } from './queue-address.ts';

/** Says once that the queue is away, and once that it is back. */
export class AwayNotice {
  readonly #logger: Logger;
  readonly #address: QueueAddress;
  #isAway = false;

  constructor(logger: Logger, address: QueueAddress) {
    this.#logger = logger;
    this.#address = address;
  }

  say(error: Error): void {
    this.#logger.debug(error.message);
    if (this.#isAway || (error as NodeJS.ErrnoException).code === undefined) return;
    this.#isAway = true;
    this.#logger.warn(`The queue at ${this.#address.text} does not answer; waiting for it.`);
  }

  clear(): void {
    if (this.#isAway) this.#logger.warn(`The queue at ${this.#address.text} answers again.`);
    this.#isAway = false;
  }
}
