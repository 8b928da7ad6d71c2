import { statfs } from 'node:fs/promises';
import os from 'node:os';
import process from 'node:process';
import { UpscaleError } from '../core/errors.ts';
import { HARDWARE_ENCODERS, probeHardwareEncoder } from '../encode/choose-encoder.ts';
import { listProfiles } from '../encode/profiles.ts';
import { readCapabilities } from '../ffmpeg/capabilities.ts';
import { findTools, type FfmpegTools } from '../ffmpeg/tools.ts';
import { listDevices } from '../infer/devices.ts';
import { loadRegistry } from '../infer/registry.ts';
import { readMachine } from '../pipeline/machine.ts';

/** Codecs that machines have circuits for. */
const HARDWARE_CODECS = ['h264', 'hevc', 'av1'] as const;

/** What there is, and what of it really works. Plain JSON. */
export interface Examination {
  readonly node: string;
  readonly platform: string;
  readonly cpu: { readonly model: string; readonly cores: number };
  readonly memory: { readonly totalBytes: number; readonly availableBytes: number };
  readonly disk: readonly { readonly path: string; readonly freeBytes: number }[];
  /** Null when none was found; `problems` says why. */
  readonly ffmpeg: FfmpegTools | null;
  readonly encoders: readonly {
    readonly name: string;
    readonly available: boolean;
    readonly reason: string;
  }[];
  readonly devices: readonly {
    readonly device: string;
    readonly available: boolean;
    readonly reason: string;
  }[];
  readonly models: readonly {
    readonly id: string;
    readonly description: string;
    readonly isDefault: boolean;
  }[];
  readonly problems: readonly string[];
}

/** Looks at the machine: encoders and devices by really opening them. What fails is written down, never thrown. */
export async function examineMachine(asked: {
  readonly ffmpeg: string | undefined;
  readonly ffprobe: string | undefined;
}): Promise<Examination> {
  const problems: string[] = [];
  const attempt = async <T>(work: Promise<T>, otherwise: T): Promise<T> =>
    work.catch((error: unknown) => {
      const { message, hint } = UpscaleError.from(error);
      problems.push(hint === undefined ? message : `${message} ${hint}`);
      return otherwise;
    });
  const tools = findTools({
    ...(asked.ffmpeg === undefined ? {} : { ffmpeg: asked.ffmpeg }),
    ...(asked.ffprobe === undefined ? {} : { ffprobe: asked.ffprobe }),
  });
  const [ffmpeg, encoders, devices, models, disk] = await Promise.all([
    attempt<FfmpegTools | null>(tools, null),
    tools.then(
      (found) => attempt(examineEncoders(found), []),
      () => [],
    ),
    attempt<Examination['devices']>(listDevices(), []),
    attempt<Examination['models']>(examineModels(), []),
    examineDisk(),
  ]);
  const { cores, availableBytes } = readMachine();
  return {
    node: process.version,
    platform: `${process.platform}-${process.arch}`,
    cpu: { model: os.cpus()[0]?.model.trim() ?? 'unknown', cores },
    memory: { totalBytes: os.totalmem(), availableBytes },
    disk,
    ffmpeg,
    encoders,
    devices,
    models,
    problems,
  };
}

async function examineEncoders(tools: FfmpegTools): Promise<Examination['encoders']> {
  const capabilities = await readCapabilities(tools);
  const software = listProfiles().map(({ name, title, encoders }) => {
    const found = encoders.find((encoder) => capabilities.encoders.has(encoder));
    return found === undefined
      ? { name, available: false, reason: `${title}: this ffmpeg has no ${encoders.join(' or ')}` }
      : { name, available: true, reason: `${title} by ${found}` };
  });
  const hardware = HARDWARE_CODECS.flatMap((codec) => HARDWARE_ENCODERS.map((kind) => `${codec}_${kind}`));
  const probed = await Promise.all(
    hardware
      .filter((name) => capabilities.encoders.has(name))
      .map(async (name) => ({ name, ...(await probeHardwareEncoder(name, { tools, capabilities })) })),
  );
  return [...software, ...probed];
}

async function examineModels(): Promise<Examination['models']> {
  const registry = await loadRegistry();
  return registry.list().map((model) => ({
    id: model.id,
    description: model.description,
    isDefault: model.id === registry.default.id,
  }));
}

async function examineDisk(): Promise<Examination['disk']> {
  const places = [...new Set([process.cwd(), os.tmpdir()])];
  const found = await Promise.all(
    places.map(async (path) => {
      const free = await statfs(path).catch(() => null);
      return free === null ? [] : [{ path, freeBytes: free.bavail * free.bsize }];
    }),
  );
  return found.flat();
}
