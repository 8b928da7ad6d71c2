import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { connect, createServer, type AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { afterAll, beforeAll } from 'vitest';

/** What the package, which has no types, is used for here. */
interface Server {
  run(): Promise<{ readonly port: number }>;
  close(): Promise<void>;
}
type MakeServer = new (options: object) => Server;

/** A server that speaks S3, with one bucket, for the tests of a file; the environment leads to it. */
export interface S3Server {
  readonly bucket: string;
  /** Bytes that it has sent so far. */
  readonly sentBytes: () => number;
}

export function useS3(): S3Server {
  const bucket = 'tapes';
  let sent = 0;
  let close = (): Promise<void> => Promise.resolve();
  beforeAll(async () => {
    const directory = await mkdtemp(path.join(os.tmpdir(), 'upreel-s3-'));
    const S3rver = createRequire(import.meta.url)('s3rver') as MakeServer;
    const server = new S3rver({
      ...{ port: 0, address: '127.0.0.1', silent: true, directory },
      configureBuckets: [{ name: bucket, configs: [] }],
    });
    const behind = await server.run();
    const relay = createServer((client) => {
      const upstream = connect(behind.port, '127.0.0.1');
      upstream.on('data', (chunk) => (sent += chunk.length));
      upstream.pipe(client).pipe(upstream);
      upstream.on('error', () => client.destroy());
      client.on('error', () => upstream.destroy());
      client.on('close', () => upstream.destroy());
    });
    await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve));
    const { port } = relay.address() as AddressInfo;
    Object.assign(process.env, {
      AWS_ENDPOINT_URL_S3: `http://127.0.0.1:${String(port)}`,
      // The package's own, which it asks for.
      AWS_ACCESS_KEY_ID: 'S3RVER',
      AWS_SECRET_ACCESS_KEY: 'S3RVER',
      AWS_REGION: 'us-east-1',
    });
    close = async () => {
      relay.close();
      await server.close();
      await rm(directory, { recursive: true, force: true });
    };
  });
  afterAll(() => close());
  return { bucket, sentBytes: () => sent };
}
