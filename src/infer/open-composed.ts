import { createHash } from 'node:crypto';
import os from 'node:os';
import process from 'node:process';
import { composeChroma, type ChromaEnds } from './graph/compose-chroma.ts';
import { composeEnds, type PlaneEnds } from './graph/compose-ends.ts';
import { convertToHalf } from './graph/convert-to-half.ts';
import { writeOnnx } from './graph/onnx-model.ts';
import { GraphCache } from './graph-cache.ts';
import type { Device, ModelFacts, Precision } from './infer-plan.ts';
import { ONNXRUNTIME_VERSION, openSession, type Session } from './onnxruntime.ts';
import { readProcessorFlags } from './processor.ts';
import { parseModel, type ModelFile } from './read-model.ts';

/** Raised whenever the same network and ends would be composed into another graph. */
const COMPOSITION_VERSION = 1;
/** Where a graph that was saved has been seen to give the same bytes as the one that was not. */
const CACHED_DEVICES: readonly Device[] = ['cpu', 'webgpu'];

export interface ComposedModel {
  readonly file: ModelFile;
  readonly facts: ModelFacts;
  readonly ends: PlaneEnds;
  readonly device: Device;
  /** What the network computes in; its ends are the same either way. */
  readonly precision: Precision;
  readonly threads: number;
}

/** A chroma network, whose own ends are always the same. It computes in float32. */
export interface ComposedChroma {
  readonly file: ModelFile;
  readonly facts: null;
  readonly ends: ChromaEnds;
  readonly device: Device;
  readonly threads: number;
}

/**
 * Opens a network with code values at its ends. The graph that onnxruntime made of it is kept on disk for the next start on this
 * machine: it saves reading, composing and optimising, and changes no pixel.
 *
 * @throws UpscaleError `MODEL_INVALID`; else the error of onnxruntime as it is
 */
export async function openComposed(
  network: ComposedModel | ComposedChroma,
  cache: GraphCache = new GraphCache(),
): Promise<Session> {
  const { device, threads } = network;
  if (!CACHED_DEVICES.includes(device)) return openSession(await compose(network), { device, threads });
  const key = describeGraph(network);
  const kept = await cache.read(key);
  if (kept !== null) {
    try {
      return await openSession(kept, { device, threads, isOptimized: true });
    } catch {
      await cache.forget(key);
    }
  }
  const bytes = await compose(network);
  const saveTo = await cache.makeRoom();
  if (saveTo !== null) {
    try {
      const session = await openSession(bytes, { device, threads, saveTo });
      await cache.keep(key, saveTo);
      return session;
    } catch {
      // A device may not be able to write down what it made, a disk may be full: then there is nothing to keep.
    }
  }
  return openSession(bytes, { device, threads });
}

async function compose(network: ComposedModel | ComposedChroma): Promise<Uint8Array> {
  const model = await parseModel(network.file);
  if (network.facts === null) {
    composeChroma(model, network.ends);
  } else {
    if (network.precision === 'fp16') convertToHalf(model, network.facts);
    composeEnds(model, network.facts, network.ends);
  }
  return writeOnnx(model);
}

/** sha256 over all that decides the graph that onnxruntime makes: on CPUs that is their features too, which weights are laid out for. */
function describeGraph(network: ComposedModel | ComposedChroma): string {
  const { file, device } = network;
  const decisive = {
    version: COMPOSITION_VERSION,
    onnxruntime: ONNXRUNTIME_VERSION,
    model: file.sha256,
    ...describeEnds(network),
    device,
    machine: device === 'cpu' ? describeCpu() : process.arch,
  };
  return createHash('sha256').update(JSON.stringify(decisive)).digest('hex');
}

function describeEnds(network: ComposedModel | ComposedChroma): Record<string, unknown> {
  if (network.facts === null) return { role: 'chroma', ends: network.ends };
  const { layout, channels, inputName, outputName, elementType, range } = network.facts;
  const ends = { ...network.ends, layout, channels, inputName, outputName, elementType, range };
  return { ends, precision: network.precision };
}

function describeCpu(): readonly string[] {
  const traits = [process.platform, process.arch, os.cpus()[0]?.model ?? ''];
  // A virtual machine may hide features of the model that it names.
  return [...traits, ...readProcessorFlags()];
}
