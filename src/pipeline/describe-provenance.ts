import { readProductVersion } from '../core/product-version.ts';
import type { Provenance } from '../core/provenance.ts';
import type { Source } from '../decode/source.ts';
import type { InferPlan } from '../infer/infer-plan.ts';

/**
 * What the file will say of how it was made. A file that a network made samples of stays marked when a plain filter enlarges it once more.
 */
export function describeProvenance(
  infer: InferPlan,
  magnification: number,
  { identity, provenance: earlier }: Pick<Source, 'identity' | 'provenance'>,
): Provenance {
  const networks = [...infer.passes, ...(infer.chroma === null ? [] : [infer.chroma.network])];
  const models = new Map(networks.map(({ id, sha256 }) => [id, { id, sha256 }]));
  if (models.size === 0 && earlier?.method === 'AI') return earlier;
  return {
    version: readProductVersion(),
    method: models.size > 0 ? 'AI' : 'filter',
    models: models.size > 0 ? [...models.values()] : [{ id: infer.filter, sha256: null }],
    scale: magnification,
    sourceSampleSha256: identity.sampleSha256,
  };
}
