import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { createServer } from 'node:net';
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

export async function makeRedis(folder: string): Promise<RedisServer> {
  await mkdir(folder, { recursive: true });
  const port = await findFreePort();
  let server: ChildProcess | null = null;
  return {
    url: `redis://127.0.0.1:${String(port)}/3`,
    async start() {
      const args = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--appendonly', 'yes'];
      server = spawn('redis-server', [...args, '--appendfsync', 'always', '--save', ''], { stdio: 'ignore' });
      for (let attempt = 0; attempt < 100; attempt++) {
        if (
          spawnSync('redis-cli', ['-p', String(port), 'ping'])
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
