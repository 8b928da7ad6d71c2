import { open } from 'node:fs/promises';
import { UpscaleError } from '../../core/errors.ts';
import { isSafetensors } from './read-safetensors.ts';

export type ModelFormat = 'onnx' | 'pytorch' | 'safetensors' | 'ncnn';

const HEAD_BYTES = 16;

/** First bytes of a ZIP archive, and of a pickle of protocol 2 or later: what `torch.save` writes and wrote. */
const ZIP = [0x50, 0x4b, 0x03, 0x04];
const PICKLE = 0x80;
const NCNN_MAGIC = '7767517';

/**
 * Tells a model's format by its first bytes, whatever the file's name says. What is none of the others counts as ONNX, which
 * begins with nothing to know it by.
 *
 * @throws UpscaleError `MODEL_NOT_FOUND`
 */
export async function detectFormat(path: string): Promise<ModelFormat> {
  const head = await readHead(path);
  if (isZip(head) || head[0] === PICKLE) return 'pytorch';
  if (isSafetensors(head)) return 'safetensors';
  if (new TextDecoder().decode(head).startsWith(NCNN_MAGIC)) return 'ncnn';
  return 'onnx';
}

export function isZip(bytes: Uint8Array): boolean {
  return ZIP.every((byte, i) => bytes[i] === byte);
}

async function readHead(path: string): Promise<Uint8Array> {
  try {
    const handle = await open(path);
    try {
      const head = new Uint8Array(HEAD_BYTES);
      const { bytesRead } = await handle.read(head, 0, HEAD_BYTES, 0);
      return head.subarray(0, bytesRead);
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw new UpscaleError('MODEL_NOT_FOUND', `The model ${path} cannot be read.`, {
      cause: error,
      hint: 'Check the path, or name a model that `upreel doctor` lists.',
    });
  }
}
