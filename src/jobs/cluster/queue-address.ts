import { isIP } from 'node:net';
import { UpscaleError } from '../../core/errors.ts';
import { SteadyConnector } from './steady-connector.ts';

/** Where the queue is. */
export interface QueueAddress {
  /** For people: host, port and database, never the password. */
  readonly text: string;
  readonly connection: {
    readonly host: string;
    readonly port: number;
    readonly db: number;
    readonly username?: string;
    readonly password?: string;
    /** With the server's name for its certificate, which an address of numbers is not. */
    readonly tls?: { readonly servername?: string };
    readonly Connector: typeof SteadyConnector;
    /** Commands wait for a server that is away. */
    readonly maxRetriesPerRequest: null;
  };
}

/** Reads `redis://USER:PASSWORD@HOST:PORT/DB`, or `rediss://` for TLS. Throws `USAGE`, without repeating what was given. */
export function parseQueueAddress(url: string): QueueAddress {
  const parsed = URL.canParse(url) ? new URL(url) : null;
  const database = parsed === null ? null : /^\/?(\d{0,4})$/.exec(parsed.pathname);
  const secure = parsed?.protocol === 'rediss:';
  if (
    parsed === null ||
    database === null ||
    parsed.hostname === '' ||
    !(secure || parsed.protocol === 'redis:')
  ) {
    throw new UpscaleError('USAGE', 'The address of the queue is none.', {
      hint: 'Write it as redis://HOST:PORT/DB or rediss://USER:PASSWORD@HOST:PORT/DB.',
    });
  }
  const host = parsed.hostname.replace(/^\[(.*)\]$/, '$1');
  const port = parsed.port === '' ? 6379 : Number(parsed.port);
  const db = Number(database[1] ?? 0);
  return {
    text: `${parsed.hostname}:${String(port)}/${String(db)}`,
    connection: {
      host,
      port,
      db,
      ...(parsed.username === '' ? {} : { username: decodeURIComponent(parsed.username) }),
      ...(parsed.password === '' ? {} : { password: decodeURIComponent(parsed.password) }),
      ...(secure ? { tls: isIP(host) === 0 ? { servername: host } : {} } : {}),
      Connector: SteadyConnector,
      maxRetriesPerRequest: null,
    },
  };
}
