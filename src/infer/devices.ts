import process from 'node:process';
import { UpscaleError } from '../core/errors.ts';
import { LADDERS, refuseUnasked } from './device-ladder.ts';
import { makeNode, makeValueInfo, ONNX_TYPE, writeOnnx } from './graph/onnx-model.ts';
import { DEVICES, type Device, type InferPlan, type Precision } from './infer-plan.ts';
import { openSession } from './onnxruntime.ts';

export interface DeviceAttempt {
  readonly device: Device;
  readonly error: string;
}

/** What was asked for, what runs, and why what comes before it on the ladder does not. */
export interface DeviceReport {
  readonly asked: InferPlan['device'];
  readonly used: Device;
  /** What the networks compute in there. */
  readonly precision: Precision;
  readonly tried: readonly DeviceAttempt[];
}

export interface DeviceState {
  readonly device: Device;
  readonly available: boolean;
  /** One sentence: why not, or what speaks for it. */
  readonly reason: string;
}

/**
 * Opens a tiny network on `device`, with nothing left to the CPU, and runs it. onnxruntime itself hands work to the CPU in
 * silence where it can, so only this tells whether a device is really there. Returns why not, or null.
 *
 * @param precision - What the network computes in. @defaultValue `fp32`
 */
export async function tryDevice(device: Device, precision: Precision = 'fp32'): Promise<string | null> {
  if (device === 'cpu') return null;
  try {
    const session = await openSession(tinyNetwork(precision), { device, threads: 1, forbidFallback: true });
    try {
      const input = { data: Float32Array.of(1, 2, 3, 4), dims: [1, 1, 2, 2] };
      const output = { data: new Float32Array(4), dims: [1, 1, 2, 2] };
      await session.run({ x: input }, { y: output });
      return output.data[3] === 8 ? null : 'it computes wrong numbers';
    } finally {
      await session.close();
    }
  } catch (error) {
    return describeFailure(error);
  }
}

/** Tries every device that this system could have. */
export async function listDevices(): Promise<DeviceState[]> {
  const ladder = LADDERS[process.platform] ?? ['cpu'];
  const states: DeviceState[] = [];
  for (const device of DEVICES) {
    if (!ladder.includes(device)) {
      states.push({
        device,
        available: false,
        reason: `onnxruntime does not have it on ${process.platform}`,
      });
      continue;
    }
    const failure = await tryDevice(device);
    const doubt = failure === null ? refuseUnasked(device) : null;
    states.push({
      device,
      available: failure === null,
      reason: failure ?? (doubt === null ? 'works' : `works, but is never chosen by itself: ${doubt}`),
    });
  }
  return states;
}

/** The first useful line of what onnxruntime says. */
export function describeFailure(error: unknown): string {
  const text =
    error instanceof UpscaleError
      ? (error.details ?? error.message)
      : error instanceof Error
        ? error.message
        : String(error);
  const lines = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  return (lines[0] ?? 'it failed without a word').slice(0, 300);
}

/** Doubles what it is given. */
function tinyNetwork(precision: Precision): Uint8Array {
  const inHalves = [
    makeNode('Cast', ['x'], ['half'], { to: ONNX_TYPE.float16 }),
    makeNode('Add', ['half', 'half'], ['sum']),
    makeNode('Cast', ['sum'], ['y'], { to: ONNX_TYPE.float }),
  ];
  return writeOnnx({
    irVersion: 8,
    opsetImport: [{ domain: '', version: 17 }],
    graph: {
      name: 'tiny',
      node: precision === 'fp16' ? inHalves : [makeNode('Add', ['x', 'x'], ['y'])],
      initializer: [],
      input: [makeValueInfo('x', ONNX_TYPE.float, [1, 1, 2, 2])],
      output: [makeValueInfo('y', ONNX_TYPE.float, [1, 1, 2, 2])],
      valueInfo: [],
    },
  });
}
