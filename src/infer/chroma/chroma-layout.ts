import { pixelFormat, planeSize, type PixelFormat } from '../../core/pixel-format.ts';
import { chromaMapping } from '../../kernels/chroma-mapping.ts';
import type { PlaneMapping } from '../../kernels/resample-layout.ts';
import type { ResamplerOptions } from '../../kernels/resample.ts';
import type { ChromaNetwork, InferPlan } from '../infer-plan.ts';
import { layOutPass, type PassGeometry, type TiledNetwork } from '../pass-geometry.ts';

/** What enlarges chroma by network doubles it. */
const SCALE = 2;

/** One pass of a chroma network with all that follows from it. */
export interface ChromaPassLayout {
  readonly network: ChromaNetwork;
  /** In chroma samples. */
  readonly geometry: PassGeometry;
  /** Size of the luma plane that guides it: what the luma pass of the same number starts from. */
  readonly guide: { readonly width: number; readonly height: number };
  readonly inputBits: number;
  readonly outputBits: number;
  readonly blocks: ChromaBlocks;
}

/** Bytes of the arena that a chroma pass needs for itself; 0 for what it does without. */
export interface ChromaBlocks {
  /** The guide with repeated edges, where it is not exactly twice as large as chroma. */
  readonly guide: number;
  readonly tileChroma: number;
  readonly tileGuide: number;
  readonly tileOutput: number;
  /** What the pass gives, where it does not go straight into the output frame. */
  readonly result: number;
}

export interface ChromaLayout {
  readonly passes: readonly ChromaPassLayout[];
  /** Index of the U plane of input and of output; V follows it at once. */
  readonly source: number;
  readonly target: number;
  /** Brings what the last pass gave to the output's size, siting and depth; null where it already has them. */
  readonly fit: ResamplerOptions | null;
}

/** How a chroma network is cut into tiles: anywhere, with the border that it reaches. */
export function asTiled({ receptiveRadius }: ChromaNetwork): TiledNetwork {
  return { scale: SCALE, multiple: 1, fixedWidth: null, fixedHeight: null, receptiveRadius };
}

/** Works out the chroma passes of `plan`; null where it has none. */
export function layOutChroma(plan: InferPlan, bitsBetween: number): ChromaLayout | null {
  if (plan.chroma === null) return null;
  const { network, passes: count } = plan.chroma;
  const input = pixelFormat(plan.input.format);
  const output = pixelFormat(plan.output.format);
  const source = input.planes.findIndex(({ role }) => role === 'U');
  const target = output.planes.findIndex(({ role }) => role === 'U');
  const wanted = planeSize(output, target, plan.output.width, plan.output.height);
  const growth = SCALE ** count;
  const mapping = mapResult(plan, output, target, growth);
  let from = planeSize(input, source, plan.input.width, plan.input.height);
  const fits =
    isIdentity(mapping) && from.width * growth === wanted.width && from.height * growth === wanted.height;
  const limit = plan.tile === null ? null : { width: plan.tile.width >> 1, height: plan.tile.height >> 1 };
  let inputBits = input.bits;
  const passes = Array.from({ length: count }, (_, i) => {
    const goesOut = fits && i === count - 1;
    const geometry = layOutPass(asTiled(network), from, limit);
    const guide = { width: plan.input.width * SCALE ** i, height: plan.input.height * SCALE ** i };
    const outputBits = goesOut ? output.bits : bitsBetween;
    const blocks = sizeBlocks(geometry, guide, inputBits, outputBits, goesOut);
    const pass = { network, geometry, guide, inputBits, outputBits, blocks };
    from = geometry.result;
    inputBits = outputBits;
    return pass;
  });
  const fit: ResamplerOptions = {
    from: { ...from, bits: inputBits },
    to: { ...wanted, bits: output.bits },
    filter: plan.chromaFilter,
    isChroma: true,
    fullRangeDepthChange: plan.input.color.range === 'pc',
    mapping,
  };
  return { passes, source, target, fit: fits ? null : fit };
}

/** Where output chroma lies on what the last pass gives, whose siting is that of the input. */
function mapResult(plan: InferPlan, output: PixelFormat, target: number, growth: number): PlaneMapping {
  const { log2Width = 0, log2Height = 0 } = output.planes[target] ?? {};
  return chromaMapping(
    {
      width: plan.input.width * growth,
      height: plan.input.height * growth,
      log2Width: 1,
      log2Height: 1,
      location: plan.input.color.chromaLocation,
    },
    {
      width: plan.output.width,
      height: plan.output.height,
      log2Width,
      log2Height,
      location: plan.output.chromaLocation,
    },
  );
}

function isIdentity({ x, y }: PlaneMapping): boolean {
  return x.scale === 1 && y.scale === 1 && x.offset === 0 && y.offset === 0;
}

function sizeBlocks(
  { source, tile, result }: PassGeometry,
  guide: ChromaPassLayout['guide'],
  inputBits: number,
  outputBits: number,
  goesOut: boolean,
): ChromaBlocks {
  const inputBytes = inputBits > 8 ? 2 : 1;
  const outputBytes = outputBits > 8 ? 2 : 1;
  const area = SCALE * SCALE;
  const isTiled = tile.width !== source.width || tile.height !== source.height;
  const isWhole = guide.width === SCALE * source.width && guide.height === SCALE * source.height;
  const samples = tile.width * tile.height;
  return {
    guide: isWhole ? 0 : source.width * source.height * area * inputBytes,
    tileChroma: isTiled ? 2 * samples * inputBytes : 0,
    tileGuide: isTiled ? area * samples * inputBytes : 0,
    tileOutput: isTiled ? 2 * area * samples * outputBytes : 0,
    result: goesOut ? 0 : 2 * result.width * result.height * outputBytes,
  };
}
