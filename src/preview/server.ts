import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { UpscaleError } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import { AccessGuard } from './access.ts';
import { LivePreview } from './live-preview.ts';
import { LiveRoutes } from './live-routes.ts';
import { readPageFiles } from './page-files.ts';
import type { Preview } from './preview.ts';
import type { Reply, Router } from './router.ts';
import { Routes } from './routes.ts';

export interface ServerOptions {
  /** Name or address to listen on. */
  readonly host: string;
  /** 0 takes any that is free. */
  readonly port: number;
  readonly logger: Logger;
}

/** A server that runs. */
export interface PreviewServer {
  /** Of the page, with the token where one is needed. */
  readonly pageUrl: string;
  /** Of a playlist for any player. */
  readonly streamUrl: string;
  /** Ends all connections and all work. */
  close(): Promise<void>;
}

/** Bytes of a request's body. */
const MOST_BODY_BYTES = 4096;
const MOST_CONNECTIONS = 256;
const HEADER_TIMEOUT_MS = 10_000;

/** What is sent with every answer: nothing runs or loads in the page but what came with it. */
const SAFETY_HEADERS = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; worker-src 'self' blob:; style-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Resource-Policy': 'same-origin',
} as const;

/**
 * Serves one source's page, playlists and segments.
 *
 * @throws UpscaleError `USAGE` where the address cannot be listened on
 */
export async function startServer(
  preview: Preview | LivePreview,
  options: ServerOptions,
): Promise<PreviewServer> {
  const files = await readPageFiles();
  const server = createServer();
  server.maxConnections = MOST_CONNECTIONS;
  server.headersTimeout = HEADER_TIMEOUT_MS;
  const { port } = await listen(server, options);
  const guard = new AccessGuard(options.host, port);
  const routes =
    preview instanceof LivePreview
      ? new LiveRoutes(preview, files)
      : new Routes(preview, files, options.logger);
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  server.on('request', (request, response) => void answer(request, response, { guard, routes, options }));
  // Players that are linked statically cannot look up names, and `localhost` is one.
  const shown = options.host === '0.0.0.0' ? '127.0.0.1' : options.host === '::' ? 'localhost' : options.host;
  const base = `http://${shown.includes(':') ? `[${shown}]` : shown}:${port}`;
  const token = guard.token === null ? '' : `?token=${guard.token}`;
  return {
    pageUrl: `${base}/${token}`,
    streamUrl: `${base}/stream.m3u8${token}`,
    async close() {
      server.close();
      for (const socket of sockets) socket.destroy();
      await routes.close();
    },
  };
}

async function listen(server: Server, { host, port }: ServerOptions): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(
        new UpscaleError('USAGE', `The server cannot listen on ${host}, port ${port}: ${error.message}.`, {
          hint: 'Choose another --port, or 0 for any that is free; --host must be an address of this machine.',
          cause: error,
        }),
      );
    });
    server.listen(port, host, () => resolve(server.address() as AddressInfo));
  });
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { guard, routes, options }: { guard: AccessGuard; routes: Router; options: ServerOptions },
): Promise<void> {
  const gone = new AbortController();
  response.on('close', () => gone.abort());
  for (const [name, value] of Object.entries(SAFETY_HEADERS)) response.setHeader(name, value);
  try {
    const url = readUrl(request);
    // Ids of viewers cannot be guessed and were given out to those who may watch.
    const refusal =
      url === null ? { status: 400, message: 'This is no address.' } : guard.check(request, url);
    if (
      url === null ||
      (refusal !== null && !(refusal.status === 401 && routes.isViewerPath(url.pathname)))
    ) {
      send(request, response, {
        status: refusal?.status ?? 400,
        type: 'text/plain',
        body: `${refusal?.message ?? ''}\n`,
      });
      return;
    }
    if (url.pathname === '/' && guard.cookie !== null) response.setHeader('Set-Cookie', guard.cookie);
    const body = request.method === 'POST' ? await readBody(request) : null;
    const reply = await routes.handle({
      method: request.method ?? 'GET',
      url,
      body,
      signal: gone.signal,
      response,
    });
    if (reply !== 'handled') send(request, response, reply);
  } catch (error) {
    if (gone.signal.aborted || response.headersSent) {
      response.destroy();
      return;
    }
    const known = UpscaleError.from(error);
    const status = statusOf(known);
    const { code, message, hint, details = '' } = known.toJSON();
    // What a tool said names files, which is nothing for whoever may watch.
    if (status === 500) options.logger.warn([message, ...details.split('\n').filter(Boolean)].join('\n  | '));
    send(request, response, {
      status,
      type: 'application/json',
      body: JSON.stringify({ code, message, hint }),
    });
  }
}

function send(
  request: IncomingMessage,
  response: ServerResponse,
  { status, type, body, cache }: Reply,
): void {
  response.writeHead(status, {
    'Content-Type': type,
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': cache === true ? 'private, max-age=3600' : 'no-store',
  });
  response.end(request.method === 'HEAD' ? undefined : body);
}

function readUrl({ url }: IncomingMessage): URL | null {
  try {
    return new URL(url ?? '/', 'http://localhost');
  } catch {
    return null;
  }
}

async function readBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += (chunk as Buffer).length;
    if (bytes > MOST_BODY_BYTES) throw new UpscaleError('USAGE', 'The request is too large.');
    chunks.push(chunk as Buffer);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8')) as unknown;
  } catch (error) {
    throw new UpscaleError('USAGE', 'The request is no JSON.', { cause: error });
  }
}

function statusOf({ code }: UpscaleError): number {
  if (code === 'USAGE') return 400;
  if (code === 'MODEL_NOT_FOUND') return 404;
  if (code === 'SOURCE_UNREADABLE') return 502;
  return code === 'ABORTED' ? 503 : 500;
}
