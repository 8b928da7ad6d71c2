import { spawnSync } from 'node:child_process';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { describeHost, HOSTS, type HostSystem } from '../../src/hook/install/hosts.ts';
import { installHost, uninstallHost } from '../../src/hook/install/install-host.ts';
import { makeFolder, tools } from '../pipeline/clip-fixture.ts';
import { hasMelt, renderWithMelt } from './melt.ts';

const folder = await makeFolder();
afterAll(folder.remove);
const hasLua = spawnSync('lua5.3', ['-v']).error === undefined;

function makeSystem(home: string, changes: Partial<HostSystem> = {}): HostSystem {
  return {
    platform: 'linux',
    home: folder.path(home),
    environment: {},
    command: ['/usr/bin/node', '/opt/upreel.js'],
    ...changes,
  };
}

describe('hook install', () => {
  it('installs once, says so again, and takes out what it put there', async () => {
    const setup = describeHost('resolve', makeSystem('home'));
    expect(setup.file?.path).toBe(
      folder.path('home/.local/share/DaVinciResolve/Fusion/Scripts/Deliver/Upreel.lua'),
    );
    expect(await installHost(setup, true)).toBe('would be installed');
    expect(await uninstallHost(setup, false)).toBe('not there');
    expect(await installHost(setup, false)).toBe('installed');
    expect(await installHost(setup, false)).toBe('there already');
    expect(await uninstallHost(setup, true)).toBe('would be removed');
    expect(await uninstallHost(setup, false)).toBe('removed');
    expect(await uninstallHost(setup, false)).toBe('not there');
  });

  it('overwrites and removes nothing that is not its own', async () => {
    const setup = describeHost('resolve', makeSystem('other'));
    const file = setup.file?.path ?? '';
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, '-- mine');
    await expect(installHost(setup, false)).rejects.toMatchObject({ code: 'OUTPUT_EXISTS' });
    await expect(uninstallHost(setup, false)).rejects.toMatchObject({ code: 'OUTPUT_EXISTS' });
    expect(await readFile(file, 'utf8')).toBe('-- mine');
  });

  it.each([
    ['kdenlive', 'kdenlive/export/upreel.xml'],
    ['shotcut', 'Meltytech/Shotcut/presets/encode/Upreel ProRes 422 HQ'],
  ] as const)('puts a render preset where %s looks, beside those that are there', async (host, place) => {
    const setup = describeHost(host, makeSystem('presets'));
    const file = folder.path(`presets/.local/share/${place}`);
    expect(setup.file?.path).toBe(file);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(path.join(path.dirname(file), 'mine'), 'mine');
    expect(await installHost(setup, true)).toBe('would be installed');
    expect(await readdir(path.dirname(file))).toEqual(['mine']);
    expect(await installHost(setup, false)).toBe('installed');
    expect(await uninstallHost(setup, false)).toBe('removed');
    expect(await readdir(path.dirname(file))).toEqual(['mine']);
    const windows = makeSystem('win', { platform: 'win32', environment: { LOCALAPPDATA: '/local' } });
    expect(describeHost(host, windows).file?.path).toBe(`/local/${place}`);
  });

  it('knows steps for every host, and the places of each system', () => {
    for (const host of HOSTS) expect(describeHost(host, makeSystem('x')).steps.length).toBeGreaterThan(0);
    const mac = describeHost('resolve', makeSystem('mac', { platform: 'darwin' })).file?.path;
    expect(mac).toContain(
      'Library/Application Support/Blackmagic Design/DaVinci Resolve/Fusion/Scripts/Deliver',
    );
    const windows = makeSystem('win', { platform: 'win32', environment: { APPDATA: '/roaming' } });
    expect(describeHost('resolve', windows).file?.path).toContain('/roaming/Blackmagic Design');
  });
});

describe.skipIf(!hasMelt)('the render presets, by melt (skipped where melt is not installed)', () => {
  it.each(['kdenlive', 'shotcut'] as const)(
    'of %s write ProRes 422 HQ with the fields of the project',
    (host) => {
      const text = describeHost(host, makeSystem('melt')).file?.text ?? '';
      const list = host === 'kdenlive' ? (/args="([^"]*)"/.exec(text)?.[1] ?? '') : text.trim();
      const output = folder.path(`${host}.mov`);
      renderWithMelt(['-profile', 'dv_pal_wide', 'noise:', 'out=4'], output, list.split(/\s/));
      const probe = ['-show_streams', '-show_frames', '-read_intervals', '%+#1', '-of', 'json', output];
      const { stdout } = spawnSync(tools.ffprobe, ['-v', 'error', ...probe]);
      expect(JSON.parse(stdout.toString())).toMatchObject({
        streams: [
          { codec_name: 'prores', profile: 'HQ', width: 720, height: 576, sample_aspect_ratio: '64:45' },
          { codec_name: 'pcm_s24le', sample_rate: '48000' },
        ],
        frames: [{ pix_fmt: 'yuv422p10le', interlaced_frame: 1, top_field_first: 0 }],
      });
    },
  );
});

/** The documented calls of Resolve that the script makes, and its globals. */
const STAND_IN = `
local jobs = { { JobId = "other", TargetDir = "/no", OutputFilename = "no.mov" }, { JobId = "7", TargetDir = arg[2], OutputFilename = arg[3] } }
local project = {
  GetRenderJobList = function() return jobs end,
  GetRenderJobStatus = function(_, id) return { JobStatus = "Fertig", CompletionPercentage = tonumber(arg[4]) } end,
}
resolve = { GetProjectManager = function() return { GetCurrentProject = function() return project end } end }
job, status = "7", "done"
error = arg[5]
dofile(arg[1])
`;

describe.skipIf(!hasLua)('the script for Resolve, under Lua (skipped where lua5.3 is not installed)', () => {
  async function runScript(
    name: string,
    percent: string,
    failure: string,
  ): Promise<{ words: string; calls: string | null }> {
    const place = folder.path(name);
    await mkdir(place, { recursive: true });
    const calls = path.join(place, 'calls.txt');
    const recorder = path.join(place, 'record it.sh');
    await writeFile(
      recorder,
      `#!/bin/sh\nfor word in "$@"; do printf '%s\\n' "$word"; done > '${calls.replaceAll("'", `'\\''`)}.new'\nmv '${calls.replaceAll("'", `'\\''`)}.new' '${calls.replaceAll("'", `'\\''`)}'\n`,
    );
    const setup = describeHost('resolve', makeSystem(name, { command: ['/bin/sh', recorder] }));
    await installHost(setup, false);
    await writeFile(path.join(place, 'stand-in.lua'), STAND_IN);
    const { stdout, stderr } = spawnSync('lua5.3', [
      ...[
        path.join(place, 'stand-in.lua'),
        setup.file?.path ?? '',
        `${place}/it's`,
        'Timeline 1.mov',
        percent,
        failure,
      ],
    ]);
    expect(stderr.toString()).toBe('');
    return { words: stdout.toString(), calls: await waitFor(calls, percent === '100' && failure === '') };
  }

  it('starts the hook with the file of the finished job, whatever its name', async () => {
    await mkdir(folder.path("good/it's"), { recursive: true });
    const { words, calls } = await runScript('good', '100', '');
    expect(calls).toBe(`hook\nrun\n${folder.path("good/it's/Timeline 1.mov")}\n`);
    expect(words).toContain('Upreel: upscaling');
  });

  it('does nothing for a render that was stopped or failed', async () => {
    expect(await runScript('stopped', '40', '')).toMatchObject({ calls: null });
    expect(await runScript('failed', '100', 'disk full')).toMatchObject({ calls: null });
  });
});

/** The program is started detached; what it does comes a moment later. */
async function waitFor(file: string, expected: boolean): Promise<string | null> {
  for (let tries = expected ? 200 : 5; tries > 0; tries--) {
    const text = await readFile(file, 'utf8').catch(() => null);
    if (text !== null) return text;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return null;
}
