import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import os from 'node:os';

/** Requests that one address may send at once, and a second after that. */
const BURST = 240;
const REQUESTS_A_SECOND = 60;
const MOST_ADDRESSES = 1024;

/** Why a request is refused: an HTTP status and a sentence. */
export interface Refusal {
  readonly status: 401 | 403 | 421 | 429;
  readonly message: string;
}

/**
 * Who may ask. On loopback everybody on this machine may, but no web page of another site: the Host header must name this server, or a
 * page that resolved its own name to 127.0.0.1 could read everything (DNS rebinding), and Origin must be this server's own.
 * Elsewhere a token is asked for as well, which is printed where the server was started.
 */
export class AccessGuard {
  /** Null on loopback. */
  readonly token: string | null;
  readonly #hosts: ReadonlySet<string>;
  readonly #buckets = new Map<string, { left: number; at: number }>();
  readonly #cookieName: string;
  readonly #now: () => number;

  /** @param host - What the server listens on, as asked for */
  constructor(host: string, port: number, now: () => number = () => performance.now() / 1000) {
    this.#now = now;
    const isLoopback = isLoopbackHost(host);
    this.token = isLoopback ? null : randomBytes(24).toString('base64url');
    this.#hosts = new Set(listHosts(host, isLoopback).map((name) => `${name}:${port}`));
    this.#cookieName = `upreel-${port}`;
  }

  /** Null when the request may be answered. */
  check(request: IncomingMessage, url: URL): Refusal | null {
    if (!this.#spend(request.socket.remoteAddress ?? '')) {
      return { status: 429, message: 'Too many requests.' };
    }
    const { host, origin } = request.headers;
    if (host === undefined || !this.#hosts.has(host.toLowerCase())) {
      return { status: 421, message: 'This server is not known by that name.' };
    }
    if (origin !== undefined && origin !== `http://${host}`) {
      return { status: 403, message: 'Pages of other sites may not ask here.' };
    }
    const site = request.headers['sec-fetch-site'];
    const isNavigation = request.headers['sec-fetch-mode'] === 'navigate' && url.pathname === '/';
    if (site !== undefined && site !== 'same-origin' && site !== 'none' && !isNavigation) {
      return { status: 403, message: 'Pages of other sites may not ask here.' };
    }
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      const type = request.headers['content-type'] ?? '';
      // Forms of other sites cannot send this type without asking first.
      if (!type.startsWith('application/json')) return { status: 403, message: 'Only JSON is taken.' };
    }
    if (this.token !== null && !this.#holdsToken(request, url)) {
      return {
        status: 401,
        message: 'Open the address with the token that was printed where this was started.',
      };
    }
    return null;
  }

  /** What a page that came with the token sends from then on; null where none is needed. */
  get cookie(): string | null {
    return this.token === null
      ? null
      : `${this.#cookieName}=${this.token}; Path=/; HttpOnly; SameSite=Strict`;
  }

  #holdsToken(request: IncomingMessage, url: URL): boolean {
    const cookies = (request.headers.cookie ?? '').split(/;\s*/);
    const given = [
      url.searchParams.get('token'),
      cookies.find((cookie) => cookie.startsWith(`${this.#cookieName}=`))?.slice(this.#cookieName.length + 1),
      /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1],
    ];
    return given.some((token) => token !== undefined && token !== null && this.#isToken(token));
  }

  #isToken(given: string): boolean {
    const [a, b] = [Buffer.from(given), Buffer.from(this.token ?? '')];
    return a.length === b.length && timingSafeEqual(a, b);
  }

  /** A bucket of requests for each address, that fills up again. */
  #spend(address: string): boolean {
    const now = this.#now();
    if (this.#buckets.size > MOST_ADDRESSES) this.#buckets.clear();
    const bucket = this.#buckets.get(address) ?? { left: BURST, at: now };
    bucket.left = Math.min(BURST, bucket.left + (now - bucket.at) * REQUESTS_A_SECOND);
    bucket.at = now;
    this.#buckets.set(address, bucket);
    if (bucket.left < 1) return false;
    bucket.left--;
    return true;
  }
}

export function isLoopbackHost(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);
}

/** Names and addresses that a client may rightly know this server by. */
function listHosts(host: string, isLoopback: boolean): string[] {
  const bracket = (address: string): string => (address.includes(':') ? `[${address}]` : address);
  const local = ['localhost', '127.0.0.1', '[::1]'];
  if (isLoopback) return [...local, bracket(host)];
  const isAny = host === '0.0.0.0' || host === '::';
  const addresses = Object.values(os.networkInterfaces()).flatMap((list) =>
    (list ?? []).map(({ address }) => address),
  );
  const name = os.hostname().toLowerCase();
  return [
    bracket(host.toLowerCase()),
    ...(isAny ? [...local, ...addresses.map(bracket), name, `${name}.local`] : []),
  ];
}
