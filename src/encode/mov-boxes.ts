import { UpscaleError } from '../core/errors.ts';

/** One box (atom) of a QuickTime or MP4 file (ISO/IEC 14496-12): containers have children, all others their content. */
export interface Box {
  readonly type: string;
  content: Buffer;
  children: Box[] | null;
}

/** Boxes that hold only boxes, on the way to a track's sample times. */
const CONTAINERS = new Set(['moov', 'trak', 'edts', 'mdia', 'minf', 'stbl']);

/** Takes `data` apart into boxes. Throws `ENCODER_FAILED` when their sizes do not add up. */
export function parseBoxes(data: Buffer): Box[] {
  const boxes: Box[] = [];
  for (let at = 0; at < data.length;) {
    const size = at + 8 <= data.length ? data.readUInt32BE(at) : 0;
    if (size < 8 || at + size > data.length) throw torn();
    const type = data.toString('latin1', at + 4, at + 8);
    const content = data.subarray(at + 8, at + size);
    boxes.push({ type, content, children: CONTAINERS.has(type) ? parseBoxes(content) : null });
    at += size;
  }
  return boxes;
}

/** Puts boxes together again. */
export function serializeBoxes(boxes: readonly Box[]): Buffer {
  return Buffer.concat(
    boxes.flatMap((box) => {
      const content = box.children === null ? box.content : serializeBoxes(box.children);
      const header = Buffer.alloc(8);
      header.writeUInt32BE(content.length + 8, 0);
      header.write(box.type, 4, 'latin1');
      return [header, content];
    }),
  );
}

/** The first box at `path` below `boxes`, or null. */
export function findBox(boxes: readonly Box[], ...path: readonly string[]): Box | null {
  let level: readonly Box[] = boxes;
  let found: Box | null = null;
  for (const type of path) {
    found = level.find((box) => box.type === type) ?? null;
    level = found?.children ?? [];
    if (found === null) return null;
  }
  return found;
}

/** The box at `path`; throws `ENCODER_FAILED` when it is missing. */
export function requireBox(boxes: readonly Box[], ...path: readonly string[]): Box {
  const found = findBox(boxes, ...path);
  if (found === null) throw torn();
  return found;
}

export function torn(): UpscaleError {
  return new UpscaleError('ENCODER_FAILED', "The encoder's file is not whole.", { retryable: true });
}
