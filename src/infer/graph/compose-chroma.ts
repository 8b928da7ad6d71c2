import { Chain, COMPOSED_INPUT, composeOutput, whiteOf } from './compose-ends.ts';
import { makeValueInfo, ONNX_TYPE, readOpset, type OnnxGraph, type OnnxModel } from './onnx-model.ts';

/** Names of the ends of a chroma network. */
export const CHROMA_ENDS = { chroma: 'uv', luma: 'y', doubled: 'doubled' } as const;
/** Name of the luma plane's input in a composed graph. */
export const CHROMA_GUIDE = 'upreel/guide';

/** What a composed chroma network takes and gives: code values as they lie in the arena. */
export interface ChromaEnds {
  readonly inputBits: number;
  readonly outputBits: number;
  readonly fullRange: boolean;
  /** As in {@link PlaneEnds}. */
  readonly shuffleBytes: boolean;
}

/**
 * Puts code values at the ends of a chroma network, uint8 for 8 bits and uint16 above: U and V in one tensor, luma of the same
 * depth in another. The middle of the code values is the network's 0, so grey is exactly 0 at any depth and range.
 *
 * Changes `model`.
 */
export function composeChroma(model: OnnxModel, ends: ChromaEnds): void {
  const { graph } = model;
  const type = ends.inputBits > 8 ? ONNX_TYPE.uint16 : ONNX_TYPE.uint8;
  const gain = 1 / whiteOf(ends.inputBits, ends.fullRange);
  const chroma = new Chain(graph, COMPOSED_INPUT, 'in');
  chroma.append('Cast', [], { to: ONNX_TYPE.float });
  chroma.append('Sub', [chroma.floats('middle', middleOf(ends.inputBits))]);
  chroma.append('Mul', [chroma.floats('gain', gain)]);
  chroma.end(CHROMA_ENDS.chroma);
  const luma = new Chain(graph, CHROMA_GUIDE, 'guide');
  luma.append('Cast', [], { to: ONNX_TYPE.float });
  luma.append('Mul', [luma.floats('gain', gain)]);
  luma.end(CHROMA_ENDS.luma);
  graph.node.unshift(...chroma.nodes, ...luma.nodes);
  composeEnd(graph, ends, readOpset(model));
  graph.valueInfo = [];
  graph.input = [
    makeValueInfo(COMPOSED_INPUT, type, [1, 2, 'height', 'width']),
    makeValueInfo(CHROMA_GUIDE, type, [1, 1, 'outHeight', 'outWidth']),
  ];
}

function composeEnd(graph: OnnxGraph, ends: ChromaEnds, opset: number): void {
  const facts = {
    channels: 1,
    elementType: 'float32',
    layout: 'NCHW',
    outputName: CHROMA_ENDS.doubled,
    range: 1,
  } as const;
  composeOutput(graph, facts, { ...ends, outputPlanes: 2 }, opset, middleOf(ends.outputBits));
}

/** The code value of grey. */
function middleOf(bits: number): number {
  return 2 ** (bits - 1);
}
