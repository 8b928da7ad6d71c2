/**
 * CPU seconds of nothing but `session.run`, on the network of a luma model and, where one is named, on a chroma network for the same
 * frames: `tsx bench/bare-session.ts MODEL WIDTH HEIGHT FRAMES [CHROMA]`. `-` for the model leaves luma out.
 * Planes are given as the networks' own numbers, so that no conversion is counted.
 */
import { InferenceSession, Tensor } from 'onnxruntime-node';

const [model = '', width = '0', height = '0', frames = '0', chroma] = process.argv.slice(2);
const [w, h] = [Number(width), Number(height)];

/** Planes of a frame in one tensor. */
function makePlanes(count: number, planeWidth: number, planeHeight: number): Tensor {
  const length = count * planeWidth * planeHeight;
  const values = Float32Array.from({ length }, (_, i) => ((i * 7919) % 251) / 255);
  return new Tensor('float32', values, [1, count, planeHeight, planeWidth]);
}

async function open(
  file: string,
  inputs: readonly Tensor[],
  output: Tensor,
): Promise<() => Promise<unknown>> {
  const session = await InferenceSession.create(file, { intraOpNumThreads: 1, interOpNumThreads: 1 });
  const feeds = Object.fromEntries(session.inputNames.map((name, i) => [name, inputs[i] as Tensor]));
  const fetches = { [String(session.outputNames[0])]: output };
  return () => session.run(feeds, fetches);
}

const luma = makePlanes(1, w, h);
const runs = [
  ...(model === '-' ? [] : [await open(model, [luma], makePlanes(1, 2 * w, 2 * h))]),
  ...(chroma === undefined
    ? []
    : [await open(chroma, [makePlanes(2, w / 2, h / 2), luma], makePlanes(2, w, h))]),
];
for (const run of runs) await run();
const before = process.cpuUsage();
for (let i = 0; i < Number(frames); i++) for (const run of runs) await run();
const { user, system } = process.cpuUsage(before);
console.log((user + system) / 1e6);
