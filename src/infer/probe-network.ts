import { makeFloatEnds, PROBE_INPUT, PROBE_OUTPUT } from './graph/float-ends.ts';
import { exposeValues, type Shapes } from './graph/measure-graph.ts';
import { makeValueInfo, ONNX_TYPE, writeOnnx, type OnnxModel } from './graph/onnx-model.ts';
import type { ModelFacts } from './infer-plan.ts';
import type { ModelEnds } from './model-ends.ts';
import { openSession, type Session, type TensorView } from './onnxruntime.ts';

/** A small picture: planes one after another. */
export interface Picture {
  readonly channels: number;
  readonly width: number;
  readonly height: number;
  readonly values: Float32Array;
}

type Shape = Pick<ModelFacts, 'layout' | 'channels'>;

/** A network with float32 ends that small pictures are put through to find out what it does. Always on the CPU. */
export class ProbeNetwork {
  readonly #session: Session;

  private constructor(session: Session) {
    this.#session = session;
  }

  /** Throws onnxruntime's own error where it does not take the graph. */
  static async open(model: OnnxModel, ends: ModelEnds): Promise<ProbeNetwork> {
    const bytes = writeOnnx(makeFloatEnds(model, ends));
    return new ProbeNetwork(await openSession(bytes, { device: 'cpu', threads: 1 }));
  }

  async run(picture: Picture, layout: ModelFacts['layout']): Promise<Picture | null> {
    const results = await this.#session.evaluate({ [PROBE_INPUT]: toTensor(picture, layout) });
    const output = results.get(PROBE_OUTPUT);
    return output === undefined ? null : fromTensor(output, layout);
  }

  async close(): Promise<void> {
    await this.#session.close();
  }
}

/** Shapes of all values of `model` for one picture. */
export async function readShapes(
  model: OnnxModel,
  ends: ModelEnds,
  shape: Shape,
  size: { readonly width: number; readonly height: number },
): Promise<Shapes> {
  const bytes = writeOnnx(exposeValues(makeFloatEnds(model, ends)));
  const session = await openSession(bytes, { device: 'cpu', threads: 1, keepGraph: true });
  try {
    const picture = makePicture(shape.channels, size.width, size.height, () => 0.5);
    const results = await session.evaluate({ [PROBE_INPUT]: toTensor(picture, shape.layout) });
    return new Map([...results].map(([name, { dims }]) => [name, dims]));
  } finally {
    await session.close();
  }
}

/**
 * Shapes of all values of `model` for one picture, as far as they show without running anything; dimensions that only a run would tell
 * are 0. Throws onnxruntime's own error where the graph does not take the picture.
 */
export async function inferShapes(
  model: OnnxModel,
  ends: ModelEnds,
  { layout, channels }: Shape,
  { width, height }: { readonly width: number; readonly height: number },
): Promise<Shapes> {
  const graph = exposeValues(makeFloatEnds(model, ends));
  const dims = layout === 'NCHW' ? [1, channels, height, width] : [1, height, width, channels];
  graph.graph.input = [makeValueInfo(PROBE_INPUT, ONNX_TYPE.float, dims)];
  // Left as it is: to make it faster, onnxruntime would compute what is constant.
  const session = await openSession(writeOnnx(graph), { device: 'cpu', threads: 1, keepGraph: true });
  try {
    return new Map(
      session.outputs.map(({ name, shape }) => [
        name,
        shape.map((dim) => (typeof dim === 'number' && dim > 0 ? dim : 0)),
      ]),
    );
  } finally {
    await session.close();
  }
}

export function makePicture(
  channels: number,
  width: number,
  height: number,
  valueAt: (x: number, y: number, channel: number) => number,
): Picture {
  const values = new Float32Array(channels * width * height);
  let i = 0;
  for (let c = 0; c < channels; c++) {
    for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) values[i++] = valueAt(x, y, c);
  }
  return { channels, width, height, values };
}

function toTensor({ channels, width, height, values }: Picture, layout: ModelFacts['layout']): TensorView {
  if (layout === 'NCHW') return { data: values, dims: [1, channels, height, width] };
  const area = width * height;
  const data = values.map((_, i) => values[(i % channels) * area + Math.floor(i / channels)] ?? 0);
  return { data, dims: [1, height, width, channels] };
}

function fromTensor({ data, dims }: TensorView, layout: ModelFacts['layout']): Picture | null {
  const [batch = 0, a = 0, b = 0, c = 0] = dims;
  if (dims.length !== 4 || batch !== 1 || !(data instanceof Float32Array)) return null;
  if (layout === 'NCHW') return { channels: a, height: b, width: c, values: data };
  const area = a * b;
  const values = data.map((_, i) => data[(i % area) * c + Math.floor(i / area)] ?? 0);
  return { channels: c, height: a, width: b, values };
}
