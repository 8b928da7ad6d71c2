import { env, InferenceSession, Tensor } from 'onnxruntime-node';
import { UpscaleError } from '../core/errors.ts';
import type { Device } from './infer-plan.ts';
import { addsByteProducts } from './processor.ts';

/** Numbers that a session reads or writes in place, over a plain or WebAssembly memory. */
export interface TensorView {
  readonly data: Uint8Array | Uint16Array | Float32Array;
  readonly dims: readonly number[];
  /** The numbers are halves, held as their 16 bits. @defaultValue false */
  readonly isHalf?: boolean;
}

export interface SessionEnd {
  readonly name: string;
  /** onnxruntime's word: `float32`, `uint8`, ... ; null for what is no tensor. */
  readonly type: string | null;
  /** Text for free dimensions. */
  readonly shape: readonly (number | string)[];
}

/** A network that is ready to run on one device. Runs may not overlap. */
export interface Session {
  readonly device: Device;
  readonly inputs: readonly SessionEnd[];
  readonly outputs: readonly SessionEnd[];
  /**
   * Runs the network; `outputs` are written in place.
   *
   * @throws UpscaleError `DEVICE_OUT_OF_MEMORY` or `INFERENCE_FAILED`
   */
  run(
    inputs: Readonly<Record<string, TensorView>>,
    outputs: Readonly<Record<string, TensorView>>,
  ): Promise<void>;
  /** Runs the network and returns all outputs, in memory that onnxruntime takes. */
  evaluate(inputs: Readonly<Record<string, TensorView>>): Promise<Map<string, TensorView>>;
  close(): Promise<void>;
}

export interface SessionOptions {
  readonly device: Device;
  readonly threads: number;
  /** Refuse to run any part of the graph on the CPU. @defaultValue false */
  readonly forbidFallback?: boolean;
  /** Leave the graph as it is, so that every value in it can be asked for. @defaultValue false */
  readonly keepGraph?: boolean;
  /** The graph is one that `saveTo` wrote on this very machine: it is run as it is. @defaultValue false */
  readonly isOptimized?: boolean;
  /** Writes the graph, as it was made ready for the device, to this file. */
  readonly saveTo?: string;
}

/** The version of onnxruntime that runs. */
export const ONNXRUNTIME_VERSION = env.versions.node ?? env.versions.common;

/** onnxruntime's name of the execution provider of each device. */
const PROVIDERS: Record<Device, string> = {
  cpu: 'cpu',
  cuda: 'cuda',
  tensorrt: 'tensorrt',
  directml: 'dml',
  coreml: 'coreml',
  webgpu: 'webgpu',
};

env.logLevel = 'fatal';

/**
 * Opens a network on exactly one device. onnxruntime runs what the device cannot do on the CPU, unless `forbidFallback`.
 *
 * @param model - The bytes of an ONNX file.
 * @throws the error of onnxruntime as it is: what it means depends on what was tried.
 */
export async function openSession(model: Uint8Array, options: SessionOptions): Promise<Session> {
  const session = await InferenceSession.create(model, {
    executionProviders: [PROVIDERS[options.device]],
    intraOpNumThreads: options.threads,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    graphOptimizationLevel: options.keepGraph === true || options.isOptimized === true ? 'disabled' : 'all',
    ...(options.saveTo === undefined ? {} : { optimizedModelFilePath: options.saveTo }),
    // Planning one block for each size doubles what a run holds and makes nothing faster.
    enableMemPattern: false,
    // What goes wrong is thrown; providers and probe runs would print it besides.
    logSeverityLevel: 4,
    extra: {
      session: {
        // Threads that spin while they wait take the cores from the decoder and the encoder.
        intra_op: { allow_spinning: '0' },
        // Kernels without VNNI would lose sums of products of bytes that do not fit into 16 bits; with it these are three times as slow.
        ...(addsByteProducts() ? {} : { x64quantprecision: '1' }),
        ...(options.forbidFallback === true ? { disable_cpu_ep_fallback: '1' } : {}),
      },
    },
  });
  return new OnnxSession(session, options.device);
}

class OnnxSession implements Session {
  readonly device: Device;
  readonly inputs: readonly SessionEnd[];
  readonly outputs: readonly SessionEnd[];
  readonly #session: InferenceSession;

  constructor(session: InferenceSession, device: Device) {
    this.#session = session;
    this.device = device;
    this.inputs = session.inputMetadata.map(describeEnd);
    this.outputs = session.outputMetadata.map(describeEnd);
  }

  async run(
    inputs: Readonly<Record<string, TensorView>>,
    outputs: Readonly<Record<string, TensorView>>,
  ): Promise<void> {
    try {
      await this.#session.run(wrapAll(inputs), wrapAll(outputs));
    } catch (error) {
      throw explainFailure(error);
    }
  }

  async evaluate(inputs: Readonly<Record<string, TensorView>>): Promise<Map<string, TensorView>> {
    try {
      const results = await this.#session.run(wrapAll(inputs));
      return new Map(
        Object.entries(results).map(([name, tensor]) => [
          name,
          {
            data: tensor.data as TensorView['data'],
            dims: tensor.dims,
            isHalf: tensor.type === 'float16',
          },
        ]),
      );
    } catch (error) {
      throw explainFailure(error);
    }
  }

  async close(): Promise<void> {
    await this.#session.release();
  }
}

function describeEnd(end: InferenceSession.ValueMetadata): SessionEnd {
  return end.isTensor
    ? { name: end.name, type: end.type, shape: end.shape }
    : { name: end.name, type: null, shape: [] };
}

function wrapAll(views: Readonly<Record<string, TensorView>>): Record<string, Tensor> {
  return Object.fromEntries(Object.entries(views).map(([name, view]) => [name, wrap(view)]));
}

function wrap({ data, dims, isHalf = false }: TensorView): Tensor {
  if (data instanceof Float32Array) return new Tensor('float32', data, dims);
  if (data instanceof Uint8Array) return new Tensor('uint8', data, dims);
  return new Tensor(isHalf ? 'float16' : 'uint16', data, dims);
}

/** onnxruntime gives all its errors one type; memory shows in the words alone. */
function explainFailure(error: unknown): UpscaleError {
  const message = error instanceof Error ? error.message : String(error);
  const isMemory =
    /out of memory|failed to allocate|bad_alloc|bad allocation|OUT_OF_MEMORY|not enough memory/i.test(
      message,
    );
  return new UpscaleError(
    isMemory ? 'DEVICE_OUT_OF_MEMORY' : 'INFERENCE_FAILED',
    isMemory ? 'The device has not enough memory for the network.' : 'The network failed on a frame.',
    { cause: error, details: message, retryable: isMemory },
  );
}
