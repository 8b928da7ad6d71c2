import type { Architecture } from '../architecture.ts';
import { GraphBuilder } from '../graph-builder.ts';
import { readFactor, WeightReader } from '../weight-reader.ts';

/**
 * SRVGGNetCompact: 3x3 convolutions with PReLU at the source's size, a last one to subpixels, and the source itself, its samples
 * repeated, on top. Wang et al., Real-ESRGAN (https://arxiv.org/abs/2107.10833), its small networks for video; known as
 * "Compact".
 */
export const COMPACT: Architecture = {
  name: 'SRVGGNetCompact',
  build(state) {
    const names = [...state.keys()];
    if (names.length < 4 || !names.every((name) => /^body\.\d+\.(weight|bias)$/.test(name))) return null;
    const last = Math.max(...names.map((name) => Number(name.split('.')[1])));
    if (!state.has('body.1.weight')) {
      throw new Error('its activations have no weights, and which they are cannot be told without');
    }
    const reader = new WeightReader(state);
    const head = reader.takeConv('body.0');
    const { inputs: channels, outputs: features } = head;
    const graph = new GraphBuilder(channels);
    let value = graph.conv(graph.input, head);
    for (let i = 1; i < last; i += 2) {
      value = graph.prelu(value, reader.take(`body.${i}.weight`, [null]));
      const isLast = i + 1 === last;
      value = graph.conv(
        value,
        reader.takeConv(`body.${i + 1}`, { inputs: features, ...(isLast ? {} : { outputs: features }) }),
      );
    }
    reader.finish();
    const subpixels = state.get(`body.${last}.weight`)?.dims[0] ?? 0;
    const scale = readFactor(subpixels / channels, `body.${last}`);
    const residual = graph.repeatChannels(graph.input, channels, scale * scale);
    const model = graph.finish(graph.pixelShuffle(graph.add(value, residual), scale));
    return { model, title: `SRVGGNetCompact, x${scale}, ${features} channels, ${last / 2 - 1} layers` };
  },
};
