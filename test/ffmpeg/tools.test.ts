import { chmod, mkdtemp, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { parseList, readCapabilities } from '../../src/ffmpeg/capabilities.ts';
import { findTools, makeExecutable, parseVersion } from '../../src/ffmpeg/tools.ts';
import { findToolSets } from './tool-sets.ts';

const TOOL_SETS = await findToolSets();
let directory = '';
beforeEach(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), 'upreel-tools-'));
  vi.stubEnv('XDG_CACHE_HOME', path.join(directory, 'cache'));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(directory, { recursive: true, force: true });
});

async function writeScript(name: string, text: string): Promise<string> {
  const file = path.join(directory, name);
  await writeFile(file, `#!/bin/sh\n${text}\n`);
  await chmod(file, 0o755);
  return file;
}

describe('findTools', () => {
  it('takes the embedded programs where the PATH has none', async () => {
    const tools = await findTools({ env: { PATH: directory } });
    expect(tools).toMatchObject({ origin: 'embedded', version: { major: 4 }, features: { fpsMode: false } });
    expect((await stat(tools.ffprobe)).mode & 0o111).not.toBe(0);
  });

  it.skipIf(process.platform === 'win32')(
    'takes the newer one, the option before the environment',
    async () => {
      await writeScript('ffmpeg', 'echo ffmpeg version 99.1');
      const old = await writeScript('old', 'echo ffmpeg version 4.4.2');
      const env = { PATH: directory };
      expect(await findTools({ env })).toMatchObject({
        origin: 'path',
        version: { major: 99 },
        features: { fpsMode: true },
      });
      const named = { ...env, UPREEL_FFMPEG: old };
      expect(await findTools({ env: named })).toMatchObject({
        origin: 'environment',
        version: { text: '4.4.2' },
      });
      expect(await findTools({ env: { ...env, UPREEL_FFMPEG: '' } })).toMatchObject({ origin: 'path' });
      const option = await findTools({ env: named, ffmpeg: path.join(directory, 'ffmpeg') });
      expect(option).toMatchObject({ origin: 'option', version: { major: 99 } });
    },
  );

  it.skipIf(process.platform === 'win32')('passes over a program on the PATH that does not run', async () => {
    await writeScript('ffmpeg', 'exit 1');
    expect((await findTools({ env: { PATH: directory } })).origin).toBe('embedded');
  });

  it('refuses what was named and is not there, or is no ffmpeg', async () => {
    const none = path.join(directory, 'none');
    await expect(findTools({ ffmpeg: none })).rejects.toMatchObject({ code: 'FFMPEG_NOT_FOUND' });
    await expect(findTools({ ffprobe: none })).rejects.toMatchObject({ code: 'FFMPEG_NOT_FOUND' });
    await expect(findTools({ ffmpeg: process.execPath })).rejects.toMatchObject({ code: 'FFMPEG_NOT_FOUND' });
  });

  it.skipIf(process.platform === 'win32')('asks a program once, and again when it was changed', async () => {
    const count = path.join(directory, 'count');
    const script = await writeScript('ffmpeg', `echo x >> ${count}; echo ffmpeg version 99.1`);
    await findTools({ ffmpeg: script });
    await findTools({ ffmpeg: script });
    expect((await stat(count)).size).toBe(2);
    await writeScript('ffmpeg', `echo x >> ${count}; echo ffmpeg version 99.25`);
    expect((await findTools({ ffmpeg: script })).version.minor).toBe(25);
  });
});

describe.skipIf(process.platform === 'win32')('makeExecutable', () => {
  it('sets the missing bit', async () => {
    const file = await writeScript('ffprobe', 'true');
    await chmod(file, 0o644);
    expect(await makeExecutable(file, 'ffprobe')).toBe(file);
    expect((await stat(file)).mode & 0o777).toBe(0o755);
  });

  it('copies what it may not change', async () => {
    // A file of the system's that not even root can change.
    const file = path.join(directory, 'ffprobe');
    await symlink('/proc/version', file);
    const copy = await makeExecutable(file, 'ffprobe');
    expect(copy?.startsWith(path.join(directory, 'cache'))).toBe(process.platform === 'linux');
    if (copy !== null) expect(await readdir(path.dirname(copy))).toHaveLength(1);
  });

  it('gives null where there is nothing', async () => {
    expect(await makeExecutable(path.join(directory, 'none'), 'ffprobe')).toBeNull();
  });
});

describe('parseVersion', () => {
  it.each([
    ['ffmpeg version 5.1.9-0+deb12u1 Copyright', 5, 1],
    ['ffmpeg version n7.1 Copyright', 7, 1],
    ['ffmpeg version N-47683-g0e8eb07980-static https://x\nlibavutil      56. 24.101 / 56. 24.101', 4, 1],
    ['ffmpeg version 2023-03-05-git-912ac82a3c-full_build\nlibavutil      58.  3.100 / 58.  3.100', 6, 0],
    ['ffmpeg version git-2026-01-01\nlibavutil      61.  3.100 / 61.  3.100', 9, 0],
  ])('reads %j', (text, major, minor) => {
    expect(parseVersion(text)).toMatchObject({ major, minor });
  });

  it('gives null for anything else', () => {
    expect(parseVersion('v20.19.0')).toBeNull();
  });
});

describe.each(TOOL_SETS)('readCapabilities of ffmpeg %s', (_label, tools) => {
  it('knows what every build has, from the disk the second time', async () => {
    const fresh = await readCapabilities(tools);
    for (const again of [fresh, await readCapabilities(tools)]) {
      expect([...again.encoders]).toEqual(expect.arrayContaining(['ffv1', 'prores_ks', 'libx264']));
      expect([...again.decoders]).toEqual(expect.arrayContaining(['h264', 'dvvideo']));
      expect([...again.filters]).toEqual(expect.arrayContaining(['bwdif', 'scale']));
      expect([...again.muxers]).toEqual(expect.arrayContaining(['mov', 'mp4', 'matroska', 'nut']));
      expect([...again.demuxers]).toEqual(expect.arrayContaining(['mov', 'mp4', 'matroska', 'concat']));
      expect(again.filters.has('=')).toBe(false);
    }
  });
});

describe('parseList', () => {
  it('reads names, and no legend', () => {
    const text =
      ' V..... = Video\n ------\n V....D libx264  H.264 (codec h264)\n  E mov,mp4  QuickTime\n TSC bwdif  V->V  x\n';
    expect(parseList(text)).toEqual(['libx264', 'mov', 'mp4', 'bwdif']);
  });
});
