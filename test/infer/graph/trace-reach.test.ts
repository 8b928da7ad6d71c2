import { expect, it } from 'vitest';
import { GraphBuilder } from '../../../src/infer/import/graph-builder.ts';
import { inspectModel } from '../../../src/infer/inspect-model.ts';
import { placeModel } from '../graph-fixture.ts';

it('finds the reach of many gates in a row, whose products have no bounds once the gates are taken out', async () => {
  const graph = new GraphBuilder(1);
  // Sharpens, and keeps flat ground as it is.
  const weight = { dims: [1, 1, 3, 3], data: new Float32Array(9).fill(-1 / 8).fill(2, 4, 5) };
  let value = graph.scale(graph.input, 255);
  for (let i = 0; i < 10; i++) value = graph.silu(graph.conv(value, { weight, bias: null }));
  value = graph.resizeNearest(graph.scale(value, 1 / 255), 2);
  expect(await inspectModel(await placeModel(graph.finish(value)))).toMatchObject({
    scale: 2,
    receptiveRadius: 10,
  });
});
