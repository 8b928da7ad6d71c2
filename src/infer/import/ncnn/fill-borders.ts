import { makeNode, writeOnnx, type OnnxModel } from '../../graph/onnx-model.ts';
import { makeIntegers } from '../../graph/tensor-values.ts';
import { openSession, type Session } from '../../onnxruntime.ts';

/** Two sizes that networks which halve theirs several times take too. */
const SIDES = [64, 128] as const;
/** What a picture can have; anything else is refused when the model is looked at. */
const MOST_CHANNELS = 4;
const PADDED = 'padded';

/**
 * Networks whose convolutions do not fill up their borders, as waifu2x and Real-CUGAN have them, give less than a whole multiple of what
 * comes in; ncnn's programs then give them more, by repeating the outermost samples. This puts that into the graph. What such
 * networks cut off is found by running them on two sizes; all others are returned as they are.
 */
export async function fillBorders(model: OnnxModel, channels: number): Promise<OnnxModel> {
  if (channels > MOST_CHANNELS) return model;
  const border = await measureBorder(model, channels);
  if (border === 0) return model;
  const { graph } = model;
  const [input] = graph.input;
  if (input === undefined) return model;
  const node = graph.node.map((reader) => ({
    ...reader,
    input: reader.input.map((name) => (name === input.name ? PADDED : name)),
  }));
  const pad = makeNode('Pad', [input.name, 'borders'], [PADDED]);
  pad.attribute.push({ name: 'mode', type: 3, s: new TextEncoder().encode('edge') });
  const borders = makeIntegers('borders', [8], [0, 0, border, border, 0, 0, border, border]);
  return {
    ...model,
    graph: { ...graph, node: [pad, ...node], initializer: [...graph.initializer, borders] },
  };
}

/** Samples that are missing at each side of the input; 0 where none are, or where it cannot be told. */
async function measureBorder(model: OnnxModel, channels: number): Promise<number> {
  let session: Session | undefined;
  try {
    session = await openSession(writeOnnx(model), { device: 'cpu', threads: 1 });
    const [small, large] = [await run(session, SIDES[0]), await run(session, SIDES[1])];
    const scale = (large - small) / (SIDES[1] - SIDES[0]);
    const border = (scale * SIDES[0] - small) / (2 * scale);
    return Number.isInteger(scale) && scale >= 1 && Number.isInteger(border) && border > 0 ? border : 0;
  } catch {
    // What does not run is refused with its reason when the model is looked at.
    return 0;
  } finally {
    await session?.close();
  }

  async function run(network: Session, side: number): Promise<number> {
    const data = new Float32Array(channels * side * side);
    const results = await network.evaluate({ input: { data, dims: [1, channels, side, side] } });
    const [, , height = NaN, width = NaN] = results.get('output')?.dims ?? [];
    return height === width ? height : NaN;
  }
}
