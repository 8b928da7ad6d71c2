import { readFile, stat } from 'node:fs/promises';
import {
  nameSidecar,
  parseSidecar,
  provenanceSchema,
  readProvenance,
  type Provenance,
} from '../core/provenance.ts';
import { isAddress } from './identify-file.ts';
import { isImagePattern } from './image-sequence.ts';

/** What a file says of how it was made: its tags, else the document beside it if that speaks of a file of this size. Null for nothing. */
export async function findProvenance(
  file: string,
  tags: Readonly<Record<string, string>>,
): Promise<Provenance | null> {
  const tagged = readProvenance(tags);
  if (tagged !== null || isAddress(file)) return tagged;
  const text = await readFile(nameSidecar(file), 'utf8').catch(() => null);
  const sidecar = text === null ? null : parseSidecar(text);
  if (sidecar === null) return null;
  const fits = isImagePattern(file) || (await stat(file)).size === sidecar.output.bytes;
  return fits ? provenanceSchema.parse(sidecar) : null;
}
