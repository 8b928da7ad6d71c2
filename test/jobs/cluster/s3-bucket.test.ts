import { writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { S3Bucket } from '../../../src/jobs/cluster/s3-bucket.ts';
import { makeFolder } from '../../pipeline/clip-fixture.ts';

/** How a server takes `If-None-Match: *` on an object that somebody else put there since it was looked for. */
type Manner = 'keeps' | 'refuses' | 'conflicts once';

const CODES = {
  keeps: [412, 'PreconditionFailed'],
  refuses: [501, 'NotImplemented'],
  'conflicts once': [409, 'ConditionalRequestConflict'],
} as const;

/**
 * A server with one object, which speaks as much of S3 as uploads need (Amazon S3 API reference: PutObject, CompleteMultipartUpload). The one of
 * the other tests overlooks conditions.
 */
class ScriptedServer {
  manner: Manner = 'keeps';
  /** What was asked, without its bytes. */
  asked: string[] = [];
  stored: number | null = null;
  #parts = 0;
  readonly #server = createServer((request, response) => void this.#answer(request, response));

  async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return (this.#server.address() as AddressInfo).port;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await text(request);
    const { searchParams } = new URL(request.url ?? '/', 'http://localhost');
    const bytes = Number(
      request.headers['x-amz-decoded-content-length'] ?? request.headers['content-length'] ?? 0,
    );
    const isConditional = request.headers['if-none-match'] === '*';
    const what = `${request.method ?? ''}${searchParams.has('uploadId') ? ' upload' : ''}${isConditional ? ' if new' : ''}`;
    this.asked.push(what);
    const xml = (status: number, content: string): void => {
      response
        .writeHead(status, { 'Content-Type': 'application/xml' })
        .end(`<?xml version="1.0"?>${content}`);
    };
    if (request.method === 'HEAD') {
      if (this.stored === null) response.writeHead(404).end();
      else response.writeHead(200, { 'Content-Length': this.stored, ETag: '"one"' }).end();
      return;
    }
    if (request.method === 'DELETE') return void response.writeHead(204).end();
    if (isConditional) {
      const [status, code] = CODES[this.manner];
      if (this.manner === 'conflicts once') this.manner = 'refuses';
      xml(status, `<Error><Code>${code}</Code><Message>It is there.</Message></Error>`);
      return;
    }
    if (request.method === 'PUT' && searchParams.has('uploadId')) {
      this.#parts += bytes;
      return void response.writeHead(200, { ETag: '"part"' }).end();
    }
    if (searchParams.has('uploads')) {
      this.#parts = 0;
      xml(200, '<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>');
      return;
    }
    this.stored = request.method === 'POST' ? this.#parts : bytes;
    if (request.method === 'POST' && body.includes('<Part>')) {
      xml(200, '<CompleteMultipartUploadResult><ETag>"one"</ETag></CompleteMultipartUploadResult>');
      return;
    }
    response.writeHead(200, { ETag: '"one"' }).end();
  }
}

const folder = await makeFolder();
afterAll(folder.remove);

describe.each([
  { size: 'one part', bytes: 1000 },
  { size: 'several parts', bytes: 33 << 20 },
])('an upload of $size that must replace nothing', ({ bytes }) => {
  const server = new ScriptedServer();
  let bucket: S3Bucket;

  beforeAll(async () => {
    const port = await server.listen();
    const environment = { AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b', AWS_REGION: 'us-east-1' };
    Object.assign(process.env, { ...environment, AWS_ENDPOINT_URL_S3: `http://127.0.0.1:${String(port)}` });
    bucket = new S3Bucket('tapes', 'shelf');
    await writeFile(folder.path('output.mp4'), Buffer.alloc(bytes, 1));
  });
  beforeEach(() => {
    server.asked = [];
    server.stored = null;
  });
  afterAll(() => {
    bucket.close();
    server.close();
  });

  const upload = (): Promise<void> => bucket.upload(folder.path('output.mp4'), 'output.mp4', { isNew: true });

  it('tells that an object came there meanwhile', async () => {
    server.manner = 'keeps';
    await expect(upload()).rejects.toMatchObject({ code: 'OUTPUT_EXISTS' });
    expect(server.asked.filter((what) => what.endsWith('if new')).length).toBe(1);
    expect(server.stored).toBeNull();
    // Nothing of it stays in the bucket.
    expect(server.asked.includes('DELETE upload')).toBe(bytes > 1 << 20);
  });

  it('goes without the condition where the server knows none', async () => {
    server.manner = 'refuses';
    await upload();
    expect(server.stored).toBe(bytes);
  });

  it('may be tried again where another one was under way', async () => {
    server.manner = 'conflicts once';
    const tried = await upload().catch((error: unknown) => error);
    if (tried !== undefined) {
      expect(tried).toMatchObject({ code: 'STORE_UNUSABLE', retryable: true });
      await upload();
    }
    expect(server.stored).toBe(bytes);
  });
});
