import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import process from 'node:process';
import {
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  NoSuchKey,
  NotFound,
  S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { throwIfAborted, UpscaleError } from '../../core/errors.ts';

/** One object as the bucket tells of it. */
export interface BucketObject {
  readonly size: number;
  /** Changes with the content. */
  readonly etag: string;
  /** Milliseconds since 1970. */
  readonly modifiedMs: number;
}

const MIB = 1 << 20;
/** Parts of an upload; a few are in memory at once. An upload has 10 000 parts at most. */
const PART_BYTES = 16 * MIB;
const MOST_PARTS = 9000;
const PARTS_AT_ONCE = 3;
/** Times that a broken read is taken up where it broke off, without a byte in between. */
const RESUMES = 4;
const RESUME_MS = 500;
const DELETE_AT_ONCE = 1000;
/** Statuses of HTTP. */
const PRECONDITION_FAILED = 412;
const NOT_IMPLEMENTED = 501;
/** Another change of the object was under way; too many requests. */
const PASSING: readonly number[] = [409, 429];

type Content = Buffer | ReturnType<typeof createReadStream>;

/**
 * A bucket of S3 or of a server like it, by the AWS SDK; the only file that knows it. Keys are below a prefix. Region, endpoint and credentials
 * come from where the SDK looks for them: `AWS_REGION`, `AWS_ENDPOINT_URL_S3`, `AWS_ACCESS_KEY_ID`, profiles, roles.
 */
export class S3Bucket {
  readonly #client: S3Client;
  readonly #bucket: string;
  readonly #prefix: string;

  /** @param prefix - Without slashes at its ends; empty for the whole bucket. */
  constructor(bucket: string, prefix: string) {
    this.#bucket = bucket;
    this.#prefix = prefix === '' ? '' : `${prefix}/`;
    const { env } = process;
    // It tells users of this program of a later version of Node.js, in the midst of what they asked for.
    env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';
    const isOwn = (env['AWS_ENDPOINT_URL_S3'] ?? env['AWS_ENDPOINT_URL'] ?? '') !== '';
    const region = env['AWS_REGION'] ?? env['AWS_DEFAULT_REGION'] ?? (isOwn ? 'us-east-1' : undefined);
    this.#client = new S3Client({
      maxAttempts: 5,
      // Servers of one's own seldom have a host name for each bucket.
      forcePathStyle: isOwn,
      ...(region === undefined ? {} : { region }),
    });
  }

  /** Null when there is no such object. */
  async head(key: string): Promise<BucketObject | null> {
    try {
      const found = await this.#client.send(new HeadObjectCommand(this.#object(key)));
      return {
        size: found.ContentLength ?? 0,
        etag: found.ETag ?? '',
        modifiedMs: found.LastModified?.getTime() ?? 0,
      };
    } catch (error) {
      if (isAbsent(error)) return null;
      throw this.#describe(error);
    }
  }

  /**
   * Bytes `start` to `end` of the object that has `etag`, both included. A connection that breaks is taken up again. Throws
   * `STORE_UNUSABLE`, also when the object was replaced.
   */
  async *read(
    key: string,
    range: { readonly start: number; readonly end: number; readonly etag: string },
    signal?: AbortSignal,
  ): AsyncGenerator<Uint8Array> {
    let at = range.start;
    for (let attempt = 0; at <= range.end; attempt++) {
      const before = at;
      try {
        const { Body } = await this.#client.send(
          new GetObjectCommand({
            ...this.#object(key),
            Range: `bytes=${String(at)}-${String(range.end)}`,
            IfMatch: range.etag,
          }),
          signal === undefined ? {} : { abortSignal: signal },
        );
        for await (const chunk of Body as AsyncIterable<Uint8Array>) {
          at += chunk.length;
          yield chunk;
        }
        if (at > range.end) return;
        throw new UpscaleError('STORE_UNUSABLE', `${key} ended early.`, { retryable: true });
      } catch (error) {
        throwIfAborted(signal);
        const known = this.#describe(error);
        if (at > before) attempt = 0;
        if (!known.retryable || attempt >= RESUMES) throw known;
        await new Promise((resolve) => setTimeout(resolve, RESUME_MS * 2 ** attempt));
      }
    }
  }

  /** Puts bytes that are in memory anyway. */
  async put(key: string, content: string): Promise<void> {
    await this.#upload(key, () => Buffer.from(content), PART_BYTES, false);
  }

  /** Uploads a file; it appears whole or not at all. With `isNew` it does not replace one. Throws `OUTPUT_EXISTS` then. */
  async upload(file: string, key: string, { isNew }: { readonly isNew: boolean }): Promise<void> {
    const { size } = await stat(file);
    // Servers that overlook the condition would replace it.
    if (isNew && (await this.head(key)) !== null) refuseExisting(key);
    const partSize = Math.max(PART_BYTES, Math.ceil(size / MOST_PARTS));
    const open = (): Content => (size === 0 ? Buffer.alloc(0) : createReadStream(file));
    await this.#upload(key, open, partSize, isNew);
    const found = await this.head(key);
    if (found?.size === size) return;
    throw new UpscaleError('STORE_UNUSABLE', `The store does not keep ${key} as it was sent.`, {
      retryable: true,
    });
  }

  /** All objects whose keys begin with `start`, in order of their keys. */
  async *list(start: string): AsyncGenerator<{ readonly key: string; readonly size: number }> {
    let token: string | undefined;
    do {
      const page = await this.#client
        .send(
          new ListObjectsV2Command({
            Bucket: this.#bucket,
            Prefix: this.#prefix + start,
            ...(token === undefined ? {} : { ContinuationToken: token }),
          }),
        )
        .catch((error: unknown) => {
          throw this.#describe(error);
        });
      for (const { Key = '', Size = 0 } of page.Contents ?? []) {
        yield { key: Key.slice(this.#prefix.length), size: Size };
      }
      token = page.IsTruncated === true ? page.NextContinuationToken : undefined;
    } while (token !== undefined);
  }

  /** Removes all objects whose keys begin with `start`. */
  async remove(start: string): Promise<void> {
    let keys: string[] = [];
    const flush = async (): Promise<void> => {
      const Objects = keys.map((key) => ({ Key: this.#prefix + key }));
      keys = [];
      if (Objects.length === 0) return;
      await this.#client
        .send(new DeleteObjectsCommand({ Bucket: this.#bucket, Delete: { Objects, Quiet: true } }))
        .catch((error: unknown) => {
          throw this.#describe(error);
        });
    };
    for await (const { key } of this.list(start)) {
      keys.push(key);
      if (keys.length === DELETE_AT_ONCE) await flush();
    }
    await flush();
  }

  close(): void {
    this.#client.destroy();
  }

  #object(key: string): { Bucket: string; Key: string } {
    return { Bucket: this.#bucket, Key: this.#prefix + key };
  }

  async #upload(key: string, open: () => Content, partSize: number, isNew: boolean): Promise<void> {
    const Body = open();
    try {
      await new Upload({
        client: this.#client,
        params: { ...this.#object(key), Body, ...(isNew ? { IfNoneMatch: '*' } : {}) },
        partSize,
        queueSize: PARTS_AT_ONCE,
      }).done();
    } catch (error) {
      const status = statusOf(error);
      if (isNew && status === PRECONDITION_FAILED) refuseExisting(key);
      // Some servers refuse the condition instead of keeping to it.
      if (isNew && status === NOT_IMPLEMENTED) {
        await this.#upload(key, open, partSize, false);
        return;
      }
      throw this.#describe(error);
    } finally {
      if (!Buffer.isBuffer(Body)) Body.destroy();
    }
  }

  /** Without the SDK's error as its cause: that holds the request with its signature. */
  #describe(error: unknown): UpscaleError {
    if (error instanceof UpscaleError) return error;
    const { name, message } = error as Error;
    const status = statusOf(error);
    const isAsked = status !== undefined && status >= 400 && status < 500 && !PASSING.includes(status);
    const isLogin = /credential/i.test(name);
    return new UpscaleError(
      'STORE_UNUSABLE',
      `The bucket ${this.#bucket} does not do what was asked: ${name}${message === '' ? '' : `, ${message}`}`,
      {
        hint: 'Check the name of the bucket, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or AWS_PROFILE, AWS_REGION, and AWS_ENDPOINT_URL_S3 for servers other than Amazon.',
        retryable: !isAsked && !isLogin,
      },
    );
  }
}

function refuseExisting(key: string): never {
  throw new UpscaleError('OUTPUT_EXISTS', `The output ${key} exists already in the store.`, {
    hint: 'Replace it with -y (--overwrite), or give another name with -o.',
  });
}

function isAbsent(error: unknown): boolean {
  return error instanceof NotFound || error instanceof NoSuchKey || statusOf(error) === 404;
}

function statusOf(error: unknown): number | undefined {
  return error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined;
}
