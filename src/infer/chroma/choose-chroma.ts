import type { Decision } from '../../core/notice.ts';
import { pixelFormat } from '../../core/pixel-format.ts';
import { channelsOf, enlargementOf } from '../infer-layout.ts';
import type { ChromaNetwork, InferPlan } from '../infer-plan.ts';

export interface ChosenChroma {
  readonly chroma: InferPlan['chroma'];
  /** Null where there is no chroma to decide on. */
  readonly decision: Decision | null;
}

/**
 * Chooses what enlarges the chroma planes of `plan`: one of `networks`, in as many passes as luma is doubled in, or the plan's
 * filter alone. A plan without luma passes, and one of a model that has chroma as well, needs none.
 */
export function chooseChroma(plan: InferPlan, networks: readonly ChromaNetwork[]): ChosenChroma {
  const [model] = plan.passes;
  const input = pixelFormat(plan.input.format);
  const output = pixelFormat(plan.output.format);
  const hasChroma = input.family === 'yuv' && output.family === 'yuv';
  if (model === undefined || channelsOf(plan.passes) !== 1 || !hasChroma)
    return { chroma: null, decision: null };
  const byFilter = (reason: string): ChosenChroma => ({
    chroma: null,
    decision: { topic: 'chroma', choice: plan.chromaFilter, reason },
  });
  if (networks.length === 0)
    return byFilter('a plain filter was asked for, or no chroma network is installed');
  if (input.chroma !== '420') {
    return byFilter(`there are networks for 4:2:0 alone, and the source is ${nameSubsampling(input.chroma)}`);
  }
  const location = plan.input.color.chromaLocation;
  const siting = location === 'unknown' ? 'left' : location;
  const network = networks.find((candidate) => candidate.siting === siting);
  if (network === undefined) return byFilter(`there is no network for chroma sited ${siting}`);
  // A pass that triples luma, or more, gives no guide for a further doubling of chroma.
  const firstOther = plan.passes.findIndex(({ scale }) => scale !== 2);
  const passes = firstOther === -1 ? plan.passes.length : firstOther + 1;
  const times = passes === 1 ? '' : `, ${passes} times`;
  const rest = 2 ** passes === enlargementOf(plan.passes) ? '' : `, the rest by ${plan.chromaFilter}`;
  return {
    chroma: { network, passes },
    decision: {
      topic: 'chroma',
      choice: `${network.id}${times}`,
      reason: `doubles 4:2:0 chroma sited ${siting} with luma as its guide${rest}`,
    },
  };
}

function nameSubsampling(chroma: string | null): string {
  return chroma === null ? 'without chroma' : Array.from(chroma).join(':');
}
