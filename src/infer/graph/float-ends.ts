import { makeNode, makeValueInfo, ONNX_TYPE, toInteger, type OnnxModel } from './onnx-model.ts';

export const PROBE_INPUT = 'upreel/probe/in';
export const PROBE_OUTPUT = 'upreel/probe/out';

/** A copy of `model` whose ends are float32 of any size, whatever type the network has: what a probe runs. */
export function makeFloatEnds(
  model: OnnxModel,
  ends: { readonly input: string; readonly output: string; readonly elemType: number },
): OnnxModel {
  return {
    ...model,
    irVersion: Math.max(7, toInteger(model.irVersion)),
    graph: {
      ...model.graph,
      valueInfo: [],
      node: [
        makeNode('Cast', [PROBE_INPUT], [ends.input], { to: ends.elemType }),
        ...model.graph.node,
        makeNode('Cast', [ends.output], [PROBE_OUTPUT], { to: ONNX_TYPE.float }),
      ],

      input: [makeValueInfo(PROBE_INPUT, ONNX_TYPE.float, ['p0', 'p1', 'p2', 'p3'])],
      output: [makeValueInfo(PROBE_OUTPUT, ONNX_TYPE.float, ['q0', 'q1', 'q2', 'q3'])],
    },
  };
}
