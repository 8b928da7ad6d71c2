import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { access, chmod, copyFile, mkdir, rename, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { UpscaleError } from '../core/errors.ts';
import { cacheByFile, cacheDirectory } from './disk-cache.ts';
import { startProcess } from './process.ts';

export interface FfmpegVersion {
  /** As the program says it: `5.1.9-0+deb12u1`, `N-47683-g0e8eb07980-static`. */
  readonly text: string;
  /** Release that it corresponds to; for builds between releases told from its libavutil. */
  readonly major: number;
  readonly minor: number;
}

/** The ffmpeg and ffprobe in use. Plain JSON. */
export interface FfmpegTools {
  readonly ffmpeg: string;
  readonly ffprobe: string;
  readonly origin: 'option' | 'environment' | 'path' | 'embedded';
  readonly version: FfmpegVersion;
  readonly features: {
    /** `-fps_mode` instead of `-vsync`. */
    readonly fpsMode: boolean;
  };
}

export interface FindToolsOptions {
  readonly ffmpeg?: string;
  readonly ffprobe?: string;
  readonly env?: NodeJS.ProcessEnv;
}

/**
 * Finds the ffmpeg to use: the one given, else `UPREEL_FFMPEG`, else the newer of the one on the PATH and the embedded one; ffprobe
 * likewise, preferably from beside it. Throws `FFMPEG_NOT_FOUND` when what was named does not run, or nothing is there.
 */
export async function findTools(options: FindToolsOptions = {}): Promise<FfmpegTools> {
  const env = options.env ?? process.env;
  const named = options.ffmpeg ?? readVariable(env, 'UPREEL_FFMPEG');
  const namedProbe = options.ffprobe ?? readVariable(env, 'UPREEL_FFPROBE');
  const origin = options.ffmpeg !== undefined ? 'option' : 'environment';
  const ffmpeg = named === undefined ? await findNewest(env) : await readNamed(named, origin, env);
  const ffprobe = await findFfprobe(ffmpeg, namedProbe, env);
  const { major, minor } = ffmpeg.version;
  return {
    ffmpeg: ffmpeg.path,
    ffprobe,
    origin: ffmpeg.origin,
    version: ffmpeg.version,
    features: { fpsMode: major > 5 || (major === 5 && minor >= 1) },
  };
}

/** An empty variable is as good as none. */
function readVariable(env: NodeJS.ProcessEnv, name: string): string | undefined {
  return env[name] === '' ? undefined : env[name];
}

interface Candidate {
  readonly path: string;
  readonly origin: FfmpegTools['origin'];
  readonly version: FfmpegVersion;
}

async function readNamed(
  named: string,
  origin: FfmpegTools['origin'],
  env: NodeJS.ProcessEnv,
): Promise<Candidate> {
  const file = await resolveProgram(named, env);
  try {
    if (file !== null) return { path: file, origin, version: await readVersion(file) };
  } catch (error) {
    throw notFound(`${named} does not run as ffmpeg.`, error);
  }
  throw notFound(`There is no ffmpeg at ${named}.`);
}

async function findNewest(env: NodeJS.ProcessEnv): Promise<Candidate> {
  const places = [
    { origin: 'path' as const, file: resolveProgram('ffmpeg', env) },
    { origin: 'embedded' as const, file: findEmbedded('ffmpeg') },
  ];
  const found = await Promise.all(
    places.map(async ({ origin, file }): Promise<Candidate | null> => {
      const program = await file;
      if (program === null) return null;
      try {
        return { path: program, origin, version: await readVersion(program) };
      } catch {
        return null;
      }
    }),
  );
  const best = found.reduce((a, b) => (b === null || (a !== null && !isNewer(b.version, a.version)) ? a : b));
  if (best === null) throw notFound('No ffmpeg was found on this machine.');
  return best;
}

function isNewer(a: FfmpegVersion, b: FfmpegVersion): boolean {
  return a.major === b.major ? a.minor > b.minor : a.major > b.major;
}

async function findFfprobe(
  ffmpeg: Candidate,
  named: string | undefined,
  env: NodeJS.ProcessEnv,
): Promise<string> {
  if (named !== undefined) {
    const file = await resolveProgram(named, env);
    if (file === null) throw notFound(`There is no ffprobe at ${named}.`);
    return file;
  }
  const beside = path.join(
    path.dirname(ffmpeg.path),
    path.basename(ffmpeg.path).replace('ffmpeg', 'ffprobe'),
  );
  const found =
    (beside === ffmpeg.path ? null : await resolveProgram(beside, env)) ??
    (await findEmbedded('ffprobe')) ??
    (await resolveProgram('ffprobe', env));
  if (found === null) throw notFound('No ffprobe was found on this machine.');
  return found;
}

/** A path that can be run, or null: `program` itself when it names a folder, else looked up on the PATH. */
async function resolveProgram(program: string, env: NodeJS.ProcessEnv): Promise<string | null> {
  const extensions = process.platform === 'win32' ? ['', '.exe'] : [''];
  const folders =
    path.basename(program) === program
      ? (env['PATH'] ?? '').split(path.delimiter).filter((folder) => folder !== '')
      : [path.dirname(program)];
  for (const folder of folders) {
    for (const extension of extensions) {
      const file = path.resolve(folder, path.basename(program) + extension);
      if (await isExecutable(file)) return file;
    }
  }
  return null;
}

async function isExecutable(file: string): Promise<boolean> {
  try {
    await access(file, constants.X_OK);
    return (await stat(file)).isFile();
  } catch {
    return false;
  }
}

/** The program of the npm package that carries it, made executable where the package manager left that out; or null. */
async function findEmbedded(name: 'ffmpeg' | 'ffprobe'): Promise<string | null> {
  const resolver = createRequire(import.meta.url);
  let file: string;
  try {
    // The package's own lookup throws for unknown platforms and checks nothing that is not checked here.
    const scope = `@${name}-installer`;
    const platform = `${process.platform}-${process.arch}`;
    const manifest = createRequire(resolver.resolve(`${scope}/${name}/package.json`)).resolve(
      `${scope}/${platform}/package.json`,
    );
    file = path.join(path.dirname(manifest), process.platform === 'win32' ? `${name}.exe` : name);
  } catch {
    return null;
  }
  return makeExecutable(file, name);
}

/** Exported for tests. */
export async function makeExecutable(file: string, name: string): Promise<string | null> {
  if (await isExecutable(file)) return file;
  try {
    await chmod(file, 0o755);
    if (await isExecutable(file)) return file;
  } catch {
    // Not ours to change (or not there): a copy in the cache will do.
  }
  try {
    const { size, mtimeMs } = await stat(file);
    const copy = path.join(cacheDirectory(), 'bin', `${name}-${String(size)}-${String(Math.trunc(mtimeMs))}`);
    if (await isExecutable(copy)) return copy;
    await mkdir(path.dirname(copy), { recursive: true });
    // Under a name of its own first: another process may do the same at this moment.
    const temporary = `${copy}.${randomUUID()}`;
    await copyFile(file, temporary);
    await chmod(temporary, 0o755);
    await rename(temporary, copy);
    return copy;
  } catch {
    return null;
  }
}

async function readVersion(file: string): Promise<FfmpegVersion> {
  return cacheByFile('version', file, async () => {
    const child = startProcess(file, ['-version'], { label: 'version', stdin: 'ignore', stdout: 'pipe' });
    const chunks: Buffer[] = [];
    child.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk));
    const exit = await child.exited;
    const version = parseVersion(Buffer.concat(chunks).toString('utf8'));
    if (exit.code !== 0 || version === null) throw notFound(`${file} does not run as ffmpeg.`);
    return version;
  });
}

/** libavutil's minor version at each release, by its major version: what a build between releases is at least. */
const LIBAVUTIL: Readonly<Record<number, readonly (readonly [minAvutilMinor: number, minor: number])[]>> = {
  55: [[78, 4]], // 3.4
  56: [
    [14, 0],
    [22, 1],
    [31, 2],
    [51, 3],
    [70, 4],
  ], // 4.x
  57: [
    [17, 0],
    [28, 1],
  ], // 5.x
  58: [
    [2, 0],
    [29, 1],
  ], // 6.x
  59: [
    [8, 0],
    [39, 1],
  ], // 7.x
  60: [[8, 0]], // 8.x
};
const MAJOR_OF_LIBAVUTIL: Readonly<Record<number, number>> = { 55: 3, 56: 4, 57: 5, 58: 6, 59: 7, 60: 8 };

/** Reads what `ffmpeg -version` printed; null when it is no ffmpeg. */
export function parseVersion(output: string): FfmpegVersion | null {
  const text = /^ff\w+ version (\S+)/m.exec(output)?.[1];
  if (text === undefined) return null;
  const release = /^n?(\d+)\.(\d+)/.exec(text);
  if (release !== null) return { text, major: Number(release[1]), minor: Number(release[2]) };
  const avutil = /libavutil\s+(\d+)\.\s*(\d+)/.exec(output);
  const avutilMajor = Number(avutil?.[1] ?? 0);
  const steps = LIBAVUTIL[avutilMajor];
  if (steps === undefined) return { text, major: avutilMajor > 60 ? 9 : 3, minor: 0 };
  const minor = steps.findLast(([least]) => Number(avutil?.[2] ?? 0) >= least)?.[1] ?? 0;
  return { text, major: MAJOR_OF_LIBAVUTIL[avutilMajor] ?? 3, minor };
}

function notFound(message: string, cause?: unknown): UpscaleError {
  return new UpscaleError('FFMPEG_NOT_FOUND', message, {
    ...(cause === undefined ? {} : { cause }),
    hint: 'Install ffmpeg, name it with --ffmpeg PATH or UPREEL_FFMPEG, or reinstall Upreel for the embedded one.',
  });
}
