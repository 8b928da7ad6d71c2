import path from 'node:path';
import {
  digitalSourceType,
  nameSidecar,
  toProvenanceTags,
  type Provenance,
  type Sidecar,
} from '../core/provenance.ts';
import { writeWhole } from '../ffmpeg/disk-cache.ts';
import type { AssemblePlan } from './encode-plan.ts';

/** Containers whose muxers write tags of any name. */
const FREE_TAGS = new Set(['matroska', 'webm', 'nut']);
/** Containers that {@link appendMovieTags} adds them to. */
const MOVIES = new Set(['mp4', 'mov']);

/**
 * The plan with the record of what makes its output: in the container's tags, and in a document beside it where the container holds none or
 * one is asked for. Pure.
 */
export function planProvenance(plan: AssemblePlan, record: Provenance, sidecar: boolean): AssemblePlan {
  const tags = toProvenanceTags(record);
  const isFree = FREE_TAGS.has(plan.muxer);
  const isMovie = MOVIES.has(plan.muxer);
  return {
    ...plan,
    metadata: isFree ? { ...plan.metadata, ...tags } : plan.metadata,
    provenance: {
      record,
      movieTags: isMovie ? tags : null,
      sidecar: plan.path !== '-' && (sidecar || !(isFree || isMovie)),
    },
  };
}

/** The path of the document beside the output; null where there is none. */
export function sidecarOf({ path: output, provenance }: AssemblePlan): string | null {
  return provenance?.sidecar === true ? nameSidecar(output) : null;
}

/** Writes the document beside an output of `bytes`, where the plan has one. */
export async function writeSidecar(plan: AssemblePlan, bytes: number): Promise<void> {
  const file = sidecarOf(plan);
  if (file === null || plan.provenance === undefined) return;
  const { record } = plan.provenance;
  const document: Sidecar = {
    product: 'Upreel',
    ...record,
    digitalSourceType: digitalSourceType(record),
    output: { name: path.basename(plan.path), bytes },
  };
  await writeWhole(file, `${JSON.stringify(document, null, 2)}\n`);
}
