import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

/** Whether tests with a queue can run. */
export const hasRedis = spawnSync('redis-server', ['--version']).status === 0;
if (!hasRedis) console.warn('Skipped: tests of a cluster need redis-server (apt-get install redis-server).');

/** A Redis of the test's own, that keeps what it holds over a restart. */
export interface RedisServer {
  readonly url: string;
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** A certificate of its own making, for TLS. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/** Makes a certificate for this machine that nobody else vouches for. */
export async function makeCertificate(folder: string): Promise<Certificate> {
  await mkdir(folder, { recursive: true });
  const [cert, key] = [path.join(folder, 'redis.crt'), path.join(folder, 'redis.key')];
  const made = spawnSync('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
    ...['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'],
    ...['-keyout', key, '-out', cert],
  ]);
  if (made.status !== 0) throw new Error(`openssl: ${made.stderr.toString()}`);
  return { cert, key };
}

export async function makeRedis(
  folder: string,
  { password, certificate }: { readonly password?: string; readonly certificate?: Certificate } = {},
): Promise<RedisServer> {
  await mkdir(folder, { recursive: true });
  const port = await findFreePort();
  let server: ChildProcess | null = null;
  const login = password === undefined ? '' : `:${encodeURIComponent(password)}@`;
  const secure =
    certificate === undefined
      ? ['--port', String(port)]
      : [
          ...['--port', '0', '--tls-port', String(port), '--tls-auth-clients', 'no'],
          ...['--tls-cert-file', certificate.cert, '--tls-key-file', certificate.key],
        ];
  const words = password === undefined ? [] : ['--requirepass', password];
  const asked = [
    ...['-p', String(port)],
    ...(certificate === undefined ? [] : ['--tls', '--cacert', certificate.cert]),
    ...(password === undefined ? [] : ['--no-auth-warning', '-a', password]),
  ];
  return {
    url: `${certificate === undefined ? 'redis' : 'rediss'}://${login}127.0.0.1:${String(port)}/3`,
    async start() {
      const args = [...secure, ...words, '--bind', '127.0.0.1', '--dir', folder, '--appendonly', 'yes'];
      server = spawn('redis-server', [...args, '--appendfsync', 'always', '--save', ''], { stdio: 'ignore' });
      for (let attempt = 0; attempt < 100; attempt++) {
        if (
          spawnSync('redis-cli', [...asked, 'ping'])
            .stdout.toString()
            .includes('PONG')
        )
          return;
        await wait(100);
      }
      throw new Error('redis-server does not answer.');
    },
    async stop() {
      if (server === null) return;
      const gone = new Promise((resolve) => server?.once('exit', resolve));
      server.kill('SIGTERM');
      await gone;
      server = null;
    },
  };
}

async function findFreePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (typeof address !== 'object' || address === null) throw new Error('No port is free.');
  return address.port;
}
