import { UpscaleError } from '../core/errors.ts';
import { cacheByFile } from './disk-cache.ts';
import { startProcess } from './process.ts';
import type { FfmpegTools } from './tools.ts';

/** Names of what an ffmpeg was built with. */
export interface Capabilities {
  readonly encoders: ReadonlySet<string>;
  readonly decoders: ReadonlySet<string>;
  readonly filters: ReadonlySet<string>;
  readonly muxers: ReadonlySet<string>;
  readonly demuxers: ReadonlySet<string>;
}

const TOPICS = ['encoders', 'decoders', 'filters', 'muxers', 'demuxers'] as const;

/** Asks ffmpeg what it can do; remembered on disk for the same program. */
export async function readCapabilities(tools: FfmpegTools): Promise<Capabilities> {
  const lists = await cacheByFile('capabilities', tools.ffmpeg, async () =>
    Promise.all(TOPICS.map((topic) => readList(tools.ffmpeg, topic))),
  );
  const [encoders = [], decoders = [], filters = [], muxers = [], demuxers = []] = lists;
  return {
    encoders: new Set(encoders),
    decoders: new Set(decoders),
    filters: new Set(filters),
    muxers: new Set(muxers),
    demuxers: new Set(demuxers),
  };
}

async function readList(program: string, topic: (typeof TOPICS)[number]): Promise<string[]> {
  const child = startProcess(program, ['-hide_banner', `-${topic}`], {
    label: topic,
    stdin: 'ignore',
    stdout: 'pipe',
  });
  const chunks: Buffer[] = [];
  child.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk));
  const exit = await child.exited;
  if (exit.code !== 0) {
    throw new UpscaleError('FFMPEG_FAILED', `${program} does not say what it can do.`, {
      details: exit.stderr,
    });
  }
  return parseList(Buffer.concat(chunks).toString('utf8'));
}

/** Names of a list as ffmpeg prints it: ` V..... libx264  ...`, `  E mov,mp4  ...`, ` TSC bwdif  V->V ...`. */
export function parseList(text: string): string[] {
  const names: string[] = [];
  for (const line of text.split('\n')) {
    const found = /^\s+[A-Z.|]+\s+([\w,.-]+)\s/.exec(line)?.[1];
    if (found !== undefined && !line.includes(' = ')) names.push(...found.split(','));
  }
  return names;
}
