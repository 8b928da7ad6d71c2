import { crc32 } from 'node:zlib';
import { fromBufferPromise, type Entry, type ZipFile } from 'yauzl';

const MOST_ENTRIES = 65_536;
/** PyTorch stores weights as they are; other packers win a little. What grows by more is made to fill the memory. */
const MOST_GROWTH = 20;
const ALWAYS_ALLOWED = 16 * 2 ** 20;

/** A ZIP archive in memory, read entry by entry and never onto a disk. */
export class ZipArchive {
  readonly #bytes: Buffer;
  readonly #zip: ZipFile;
  readonly #entries: ReadonlyMap<string, Entry>;

  private constructor(bytes: Buffer, zip: ZipFile, entries: ReadonlyMap<string, Entry>) {
    this.#bytes = bytes;
    this.#zip = zip;
    this.#entries = entries;
  }

  /**
   * Reads the directory. Throws an `Error` for what is damaged, has names that lead out of a folder, or promises so much more
   * than it has bytes that it can only be meant to fill the memory.
   */
  static async open(bytes: Buffer): Promise<ZipArchive> {
    const zip = await fromBufferPromise(bytes);
    const entries = new Map<string, Entry>();
    let size = 0;
    for await (const entry of zip.eachEntry()) {
      if (entries.has(entry.fileName)) throw new Error(`it holds ${entry.fileName} twice`);
      size += entry.uncompressedSize;
      if (size > Math.max(ALWAYS_ALLOWED, MOST_GROWTH * bytes.length) || entries.size >= MOST_ENTRIES) {
        throw new Error('it would unpack to far more than its own size');
      }
      entries.set(entry.fileName, entry);
    }
    return new ZipArchive(bytes, zip, entries);
  }

  get names(): string[] {
    return [...this.#entries.keys()];
  }

  /** Unpacked bytes of an entry; -1 where there is none. */
  sizeOf(name: string): number {
    return this.#entries.get(name)?.uncompressedSize ?? -1;
  }

  /** The bytes of an entry, checked against its sum: a view of the archive where they are stored as they are. */
  async read(name: string): Promise<Uint8Array> {
    const entry = this.#entries.get(name);
    if (entry === undefined) throw new Error(`it has no ${name}`);
    if (!entry.canDecodeFileData()) throw new Error(`${name} in it is encrypted or packed in an unusual way`);
    const content = entry.compressionMethod === 0 ? await this.#view(entry) : await this.#inflate(entry);
    if (crc32(content) !== entry.crc32) throw new Error(`${name} in it is damaged`);
    return content;
  }

  async #view(entry: Entry): Promise<Uint8Array> {
    const { fileDataStart } = await this.#zip.readLocalFileHeaderPromise(entry, { minimal: true });
    const end = fileDataStart + entry.uncompressedSize;
    if (end > this.#bytes.length) throw new Error(`${entry.fileName} in it is cut short`);
    return this.#bytes.subarray(fileDataStart, end);
  }

  async #inflate(entry: Entry): Promise<Uint8Array> {
    const stream = await this.#zip.openReadStreamPromise(entry);
    // yauzl ends the stream with an error as soon as it gives more than the entry promised.
    const content = new Uint8Array(entry.uncompressedSize);
    let filled = 0;
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      content.set(chunk, filled);
      filled += chunk.length;
    }
    return content;
  }
}
