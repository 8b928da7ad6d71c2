// Starts an endless decode and an endless encode, prints their process ids, and waits to be killed.
import { findTools } from '../../src/ffmpeg/tools.ts';
import { startProcess } from '../../src/ffmpeg/process.ts';

const tools = await findTools();
const source = ['-v', 'error', '-f', 'lavfi', '-i', 'testsrc2=size=640x480'];
const decoder = startProcess(tools.ffmpeg, [...source, '-f', 'rawvideo', 'pipe:1'], {
  label: 'decoder',
  stdin: 'ignore',
  stdout: 'pipe',
});
const encoder = startProcess(
  tools.ffmpeg,
  ['-v', 'error', '-f', 'rawvideo', '-s', '64x64', '-pix_fmt', 'gray', '-i', 'pipe:0', '-f', 'null', '-'],
  { label: 'encoder', stdin: 'pipe', stdout: 'ignore' },
);
decoder.stdout?.once('readable', () => {
  encoder.stdin?.write(Buffer.alloc(64 * 64));
  process.stdout.write(`${String(decoder.pid)} ${String(encoder.pid)}\n`);
});
setInterval(() => undefined, 1000);
