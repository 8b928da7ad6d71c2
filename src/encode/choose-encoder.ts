import path from 'node:path';
import { isHdrTransfer } from '../core/color.ts';
import { UpscaleError } from '../core/errors.ts';
import type { Capabilities } from '../ffmpeg/capabilities.ts';
import { buildArguments } from '../ffmpeg/command.ts';
import { runFfmpeg } from '../ffmpeg/process.ts';
import type { FfmpegTools } from '../ffmpeg/tools.ts';
import type { EncodeSource } from './encode-source.ts';
import { findProfile } from './profiles.ts';

export interface ChooseEncoderContext {
  readonly source: EncodeSource;
  /** As the user wrote it; undefined when Upreel names the output. */
  readonly output: string | undefined;
  readonly width: number;
  readonly height: number;
  readonly tools: FfmpegTools;
  readonly capabilities: Capabilities;
}

/** Hardware encoders in the order in which they are tried. */
export const HARDWARE_ENCODERS = ['nvenc', 'videotoolbox', 'qsv', 'amf', 'vaapi'] as const;
/** Larger pictures of H.264 play on few devices. */
const H264_LARGEST = 4096 * 2304;

/**
 * Turns `auto` and `auto-hw` into a profile, and makes sure that a named hardware encoder really opens.
 * Throws `ENCODER_UNAVAILABLE` with the reason when it does not.
 */
export async function chooseEncoder(asked: string, context: ChooseEncoderContext): Promise<string> {
  if (asked === 'auto') return chooseByOutput(context);
  if (asked === 'auto-hw') return chooseHardware(context);
  const profile = findProfile(asked);
  if (isHardware(profile.name)) {
    const { available, reason } = await probeHardwareEncoder(profile.name, context);
    if (!available) {
      throw new UpscaleError(
        'ENCODER_UNAVAILABLE',
        `${profile.name} does not open on this machine: ${reason}`,
        {
          hint: 'Use --encoder auto-hw to take what works, or a software encoder.',
        },
      );
    }
  }
  return profile.name;
}

/** By the output's name first; then H.264 for 8-bit pictures that everything plays, H.265 for deeper, larger and HDR ones. */
export function chooseByOutput({
  source,
  output,
  width,
  height,
  capabilities,
}: Omit<ChooseEncoderContext, 'tools'>): string {
  const extension = path.extname(output ?? '').toLowerCase();
  if (extension === '.webm') return 'vp9';
  if (extension === '.png') return 'png';
  if (extension === '.tif' || extension === '.tiff') return 'tiff';
  if (source.kind === 'image' && output === undefined) return 'png';
  const { bits, color } = source.video;
  const simple = bits <= 8 && width * height <= H264_LARGEST && !isHdrTransfer(color.transfer);
  return simple || !capabilities.encoders.has('libx265') ? 'h264' : 'h265';
}

async function chooseHardware(context: ChooseEncoderContext): Promise<string> {
  const software = chooseByOutput(context);
  const codec = software === 'h265' || context.width > 4096 ? 'hevc' : 'h264';
  for (const kind of HARDWARE_ENCODERS) {
    const name = `${codec}_${kind}`;
    if (!context.capabilities.encoders.has(name)) continue;
    if ((await probeHardwareEncoder(name, context)).available) return name;
  }
  return software;
}

function isHardware(name: string): boolean {
  return HARDWARE_ENCODERS.some((kind) => name.endsWith(`_${kind}`));
}

/** Opens a hardware encoder on a few frames of the real size: being compiled in says nothing. */
export async function probeHardwareEncoder(
  name: string,
  context: Pick<ChooseEncoderContext, 'tools' | 'capabilities'> & {
    readonly width?: number;
    readonly height?: number;
  },
): Promise<{ available: boolean; reason: string }> {
  if (!context.capabilities.encoders.has(name)) {
    return { available: false, reason: 'the ffmpeg in use was built without it' };
  }
  const size = `${String(context.width ?? 1280)}x${String(context.height ?? 720)}`;
  const vaapi = name.endsWith('_vaapi');
  const args = buildArguments({
    global: ['-v', 'error', ...(vaapi ? ['-vaapi_device', '/dev/dri/renderD128'] : [])],
    inputs: [{ path: `color=s=${size}:d=0.2:r=25`, options: ['-f', 'lavfi'] }],
    outputs: [
      {
        path: '-',
        options: [
          ...(vaapi ? ['-vf', 'format=nv12,hwupload'] : []),
          '-c:v',
          name,
          '-frames:v',
          '3',
          '-f',
          'null',
        ],
      },
    ],
  });
  try {
    await runFfmpeg(context.tools, args, { what: `opening ${name}` });
    return { available: true, reason: 'opened' };
  } catch (error) {
    const details = error instanceof UpscaleError ? (error.details ?? error.message) : String(error);
    return {
      available: false,
      reason: details.split('\n').find((line) => line.trim() !== '') ?? 'it did not open',
    };
  }
}
