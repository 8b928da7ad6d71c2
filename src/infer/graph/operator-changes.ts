import type { OnnxNode } from './onnx-model.ts';

/**
 * Operator sets in which an operator came to mean, or to be written, otherwise than before; from the standard's changelog
 * (https://github.com/onnx/onnx/blob/main/docs/Changelog.md). Later versions of those with no number only allow more types.
 */
const CHANGES: Readonly<Record<string, readonly number[]>> = {
  ...Object.fromEntries(
    [
      ...[
        'Conv',
        'ConvTranspose',
        'MatMul',
        'Gemm',
        'Add',
        'Sub',
        'Mul',
        'Div',
        'Sum',
        'Neg',
        'Abs',
        'Sqrt',
        'Exp',
      ],
      ...[
        'Relu',
        'LeakyRelu',
        'PRelu',
        'Elu',
        'Sigmoid',
        'HardSigmoid',
        'Tanh',
        'Erf',
        'Pow',
        'Concat',
        'Transpose',
      ],
      ...[
        'Reshape',
        'Flatten',
        'Identity',
        'Constant',
        'Cast',
        'Shape',
        'Gather',
        'Expand',
        'Tile',
        'Reciprocal',
      ],
      ...[
        'DepthToSpace',
        'SpaceToDepth',
        'GlobalAveragePool',
        'MaxPool',
        'ConstantOfShape',
        'Where',
        'Equal',
      ],
      ...['Max', 'Min', 'Floor', 'Ceil', 'InstanceNormalization', 'LayerNormalization'],
    ].map((name) => [name, [] as number[]]),
  ),
  AveragePool: [19],
  Clip: [11],
  Pad: [11],
  Slice: [10],
  Squeeze: [13],
  Unsqueeze: [13],
  Split: [13, 18],
  Softmax: [13],
  LogSoftmax: [13],
  ReduceSum: [13],
  ReduceMean: [18],
  ReduceMax: [18],
  ReduceMin: [18],
  ReduceL2: [18],
  Resize: [11, 13, 18],
};

/** The first operator that may not keep its meaning when nodes written for one operator set are read as those of a later one. */
export function findOperatorChange(nodes: readonly OnnxNode[], from: number, to: number): string | null {
  if (from === to) return null;
  const found = nodes.find(({ opType, domain = '' }) => {
    if (domain !== '' && domain !== 'ai.onnx') return false;
    const changes = Object.hasOwn(CHANGES, opType) ? CHANGES[opType] : undefined;
    // Before 7, sums and products had another way to fit shapes to each other.
    return from < 7 || changes === undefined || changes.some((version) => version > from && version <= to);
  });
  return found?.opType ?? null;
}
