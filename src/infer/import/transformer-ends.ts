import type { GraphBuilder } from './graph-builder.ts';
import { countFrom, readFactor, type WeightReader } from './weight-reader.ts';

/** Mean of the pictures that these networks were trained on; files do not hold it. */
const MEAN = Float32Array.of(0.4488, 0.4371, 0.404);

/** Takes the training pictures' mean from colours; grey ones have none. */
export function subtractMean(graph: GraphBuilder, value: string, channels: number): string {
  return channels === MEAN.length ? graph.sub(value, graph.perChannel({ data: MEAN })) : value;
}

export function addMean(graph: GraphBuilder, value: string, channels: number): string {
  return channels === MEAN.length ? graph.add(value, graph.perChannel({ data: MEAN })) : value;
}

/** The convolution behind a row of blocks: one, or three with a narrow one in the middle. */
export function addClosing(
  graph: GraphBuilder,
  reader: WeightReader,
  value: string,
  prefix: string,
  features: number,
): string {
  const ends = { inputs: features, outputs: features };
  if (reader.has(`${prefix}.weight`)) return graph.conv(value, reader.takeConv(prefix, ends));
  const first = reader.takeConv(`${prefix}.0`, { inputs: features });
  const narrow = first.outputs;
  let inner = graph.leakyRelu(graph.conv(value, first), 0.2);
  const middle = reader.takeConv(`${prefix}.2`, { inputs: narrow, outputs: narrow });
  inner = graph.leakyRelu(graph.conv(inner, middle), 0.2);
  return graph.conv(inner, reader.takeConv(`${prefix}.4`, { inputs: narrow, outputs: features }));
}

/** Enlarges features to a picture in one of the three ways that SwinIR and its successors have; tells the factor. */
export function addUpsampler(
  graph: GraphBuilder,
  reader: WeightReader,
  value: string,
  { features, channels }: { readonly features: number; readonly channels: number },
): { readonly value: string; readonly scale: number } {
  if (!reader.has('conv_before_upsample.0.weight')) {
    if (!reader.has('upsample.0.weight')) throw new Error('it gives a picture of the same size');
    const tail = reader.takeConv('upsample.0', { inputs: features });
    const scale = readFactor(tail.outputs / channels, 'upsample.0');
    return { value: graph.pixelShuffle(graph.conv(value, tail), scale), scale };
  }
  const before = reader.takeConv('conv_before_upsample.0', { inputs: features });
  const width = before.outputs;
  const same = { inputs: width, outputs: width };
  let inner = graph.leakyRelu(graph.conv(value, before), 0.01);
  let scale = 1;
  if (reader.has('conv_up1.weight')) {
    const steps = countFrom(1, (i) => reader.has(`conv_up${i}.weight`));
    for (let i = 1; i <= steps; i++, scale *= 2) {
      const convolution = reader.takeConv(`conv_up${i}`, same);
      inner = graph.leakyRelu(graph.conv(graph.resizeNearest(inner, 2), convolution), 0.2);
    }
    inner = graph.leakyRelu(graph.conv(inner, reader.takeConv('conv_hr', same)), 0.2);
  } else {
    for (let i = 0; reader.has(`upsample.${i}.weight`); i += 2) {
      const convolution = reader.takeConv(`upsample.${i}`, { inputs: width });
      const factor = readFactor(convolution.outputs / width, `upsample.${i}`);
      inner = graph.pixelShuffle(graph.conv(inner, convolution), factor);
      scale *= factor;
    }
  }
  const last = reader.takeConv('conv_last', { inputs: width, outputs: channels });
  return { value: graph.conv(inner, last), scale };
}
