import { StandaloneConnector } from 'ioredis/built/connectors/index.js';

/**
 * ioredis hears the first error of a connection alone. A handshake of TLS that fails has a second one, of the alert that the other side
 * sends, which would end the process.
 */
export class SteadyConnector extends StandaloneConnector {
  override async connect(
    ...args: Parameters<StandaloneConnector['connect']>
  ): ReturnType<StandaloneConnector['connect']> {
    const stream = await super.connect(...args);
    stream.on('error', () => undefined);
    return stream;
  }
}
