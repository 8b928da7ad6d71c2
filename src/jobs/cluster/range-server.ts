import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/** A file that is read from elsewhere, piece by piece. */
export interface RangeSource {
  readonly name: string;
  readonly size: number;
  /** Milliseconds since 1970. */
  readonly modifiedMs: number;
  /** Bytes `start` to `end`, both included. Ends without a word when `signal` is aborted. */
  readonly read: (start: number, end: number, signal: AbortSignal) => AsyncIterable<Uint8Array>;
}

const HOST = '127.0.0.1';

/**
 * Serves ranges of files over HTTP on loopback, so that programs which read files or addresses read what lies elsewhere: only the bytes that
 * they ask for travel, and no more than the pipes between hold are kept. An address holds a number that cannot be guessed.
 */
export class RangeServer {
  readonly host = HOST;
  readonly #server: Server;
  readonly #sources = new Map<string, RangeSource>();
  readonly #base: string;

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.#base = `http://${HOST}:${String(port)}/`;
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      void this.#answer(request, response);
    });
  }

  static async start(): Promise<RangeServer> {
    const server = createServer();
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, HOST, resolve);
    });
    // Nothing waits for it: its owner's work does.
    server.unref();
    const address = server.address();
    return new RangeServer(server, typeof address === 'object' && address !== null ? address.port : 0);
  }

  /** The address at which `source` is read from now on. */
  offer(source: RangeSource): string {
    const id = randomBytes(16).toString('hex');
    this.#sources.set(id, source);
    // A plain name with the ending, by which ffmpeg knows raw streams.
    return `${this.#base}${id}/${source.name.replaceAll(/[^\w.-]+/g, '_')}`;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const source = this.#sources.get(/^\/([0-9a-f]{32})\//.exec(request.url ?? '')?.[1] ?? '');
    if (source === undefined || (request.method !== 'GET' && request.method !== 'HEAD')) {
      response.writeHead(404).end();
      return;
    }
    const { size, modifiedMs } = source;
    const range = parseRange(request.headers.range, size);
    if (range === null) {
      response.writeHead(416, { 'content-range': `bytes */${String(size)}` }).end();
      return;
    }
    const { start, end } = range;
    const isPart = request.headers.range !== undefined;
    response.writeHead(isPart ? 206 : 200, {
      'accept-ranges': 'bytes',
      'content-length': end - start + 1,
      'content-type': 'application/octet-stream',
      'last-modified': new Date(modifiedMs).toUTCString(),
      ...(isPart ? { 'content-range': `bytes ${String(start)}-${String(end)}/${String(size)}` } : {}),
    });
    if (request.method === 'HEAD' || size === 0) {
      response.end();
      return;
    }
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    try {
      await pipeline(Readable.from(source.read(start, end, gone.signal), { objectMode: false }), response);
    } catch {
      // The reader went, or finds its answer cut short.
      response.destroy();
    }
  }
}

/** First and last byte of a `Range`; the whole without one; null for what lies outside. */
function parseRange(header: string | undefined, size: number): { start: number; end: number } | null {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? 'bytes=0-');
  const [first = '', last = ''] = match?.slice(1) ?? [];
  if (first === '' && last === '') return null;
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === '' || last === '' ? size - 1 : Math.min(Number(last), size - 1);
  return start <= end || (size === 0 && start === 0) ? { start, end } : null;
}
