/**
 * CPU seconds of nothing but `session.run`, on the network of a luma model: `tsx bench/bare-session.ts MODEL WIDTH HEIGHT FRAMES`.
 * The plane is given as the network's own numbers, so that no conversion is counted.
 */
import { InferenceSession, Tensor } from 'onnxruntime-node';

const [model = '', width = '0', height = '0', frames = '0'] = process.argv.slice(2);
const session = await InferenceSession.create(model, { intraOpNumThreads: 1, interOpNumThreads: 1 });
const size = Number(width) * Number(height);
const input = new Tensor(
  'float32',
  Float32Array.from({ length: size }, (_, i) => ((i * 7919) % 251) / 255),
  [1, 1, Number(height), Number(width)],
);
const output = new Tensor('float32', new Float32Array(4 * size), [
  1,
  1,
  2 * Number(height),
  2 * Number(width),
]);
const feeds = { [String(session.inputNames[0])]: input };
const fetches = { [String(session.outputNames[0])]: output };
await session.run(feeds, fetches);
const before = process.cpuUsage();
for (let i = 0; i < Number(frames); i++) await session.run(feeds, fetches);
const { user, system } = process.cpuUsage(before);
console.log((user + system) / 1e6);
