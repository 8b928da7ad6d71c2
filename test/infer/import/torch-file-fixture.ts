import { crc32, deflateRawSync } from 'node:zlib';

/** One entry of an archive; what is written about it can be untrue. */
export interface ZipEntry {
  readonly name: string;
  readonly data: Uint8Array;
  readonly isDeflated?: boolean;
  /** @defaultValue the size of the data */
  readonly claimedSize?: number;
}

/** A ZIP archive. */
export function makeZip(entries: readonly ZipEntry[]): Buffer {
  const locals: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const { name, data, isDeflated = false, claimedSize = data.length } of entries) {
    const content = isDeflated ? deflateRawSync(data) : data;
    const fields = Buffer.alloc(26);
    fields.writeUInt16LE(20, 0);
    fields.writeUInt16LE(isDeflated ? 8 : 0, 4);
    fields.writeUInt32LE(crc32(data), 10);
    fields.writeUInt32LE(content.length, 14);
    fields.writeUInt32LE(claimedSize, 18);
    fields.writeUInt16LE(Buffer.byteLength(name), 22);
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), fields, Buffer.from(name), content]);
    const end = Buffer.alloc(14);
    end.writeUInt32LE(offset, 10);
    const made = Buffer.from([20, 0]);
    directory.push(Buffer.concat([Buffer.from('PK\x01\x02'), made, fields, end, Buffer.from(name)]));
    locals.push(local);
    offset += local.length;
  }
  const listed = Buffer.concat(directory);
  const tail = Buffer.alloc(18);
  tail.writeUInt16LE(entries.length, 4);
  tail.writeUInt16LE(entries.length, 6);
  tail.writeUInt32LE(listed.length, 8);
  tail.writeUInt32LE(offset, 12);
  return Buffer.concat([...locals, listed, Buffer.from('PK\x05\x06'), tail]);
}

/** A file as `torch.save` writes it, of a pickle written by hand and of storages in order. */
export function makeTorchZip(pickle: Uint8Array, storages: readonly Uint8Array[] = []): Buffer {
  return makeZip([
    { name: 'archive/data.pkl', data: pickle },
    ...storages.map((data, i) => ({ name: `archive/data/${i}`, data })),
  ]);
}

/** The same in the format before PyTorch 1.6, without storages. */
export function makeTorchLegacy(pickle: Uint8Array): Buffer {
  const start = Buffer.from('80028a0a6cfc9c46f9206aa850192e80024de9032e80027d2e', 'hex');
  return Buffer.concat([start, pickle, Buffer.from('80025d2e', 'hex')]);
}

/** A pickle of operations: texts are taken letter by letter. */
export function makePickle(...operations: readonly (string | Uint8Array)[]): Buffer {
  return Buffer.concat([Buffer.from([0x80, 2]), ...operations.map(toBytes), Buffer.from('.')]);
}

/** The operations that push a text. */
export function pickleText(text: string): Buffer {
  const length = Buffer.alloc(5, 'X');
  length.writeUInt32LE(Buffer.byteLength(text), 1);
  return Buffer.concat([length, Buffer.from(text)]);
}

/** The operations that push a whole number of up to 16 bytes. */
export function pickleInteger(value: number | bigint): Buffer {
  const bytes = Buffer.alloc(18);
  bytes.set([0x8a, 16]);
  bytes.writeBigUInt64LE(BigInt.asUintN(64, BigInt(value)), 2);
  bytes.writeBigInt64LE(BigInt(value) >> 64n, 10);
  return bytes;
}

/** The operations that push a tuple. */
export function pickleTuple(...items: readonly (string | Uint8Array)[]): Buffer {
  return Buffer.concat([Buffer.from('('), ...items.map(toBytes), Buffer.from('t')]);
}

/** The operations that push a float32 tensor of storage 0. */
export function pickleTensor(
  dims: readonly (number | bigint)[],
  strides: readonly (number | bigint)[],
  { count, offset = 0 }: { readonly count: number | bigint; readonly offset?: number | bigint },
): Buffer {
  const storage = pickleTuple(
    pickleText('storage'),
    'ctorch\nFloatStorage\n',
    pickleText('0'),
    pickleText('cpu'),
    pickleInteger(count),
  );
  return Buffer.concat([
    Buffer.from('ctorch._utils\n_rebuild_tensor_v2\n'),
    pickleTuple(
      Buffer.concat([storage, Buffer.from('Q')]),
      pickleInteger(offset),
      pickleTuple(...dims.map(pickleInteger)),
      pickleTuple(...strides.map(pickleInteger)),
      '\x89',
      'N',
    ),
    Buffer.from('R'),
  ]);
}

function toBytes(part: string | Uint8Array): Uint8Array {
  return typeof part === 'string' ? Buffer.from(part, 'latin1') : part;
}
