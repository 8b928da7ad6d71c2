// Makes samples/meadow.mov: two seconds of an interlaced PAL tape, painted by this script (no camera, no third party's rights).
// The clip is committed; run this only to make it anew: node scripts/make-sample.js
import { spawnSync } from 'node:child_process';
import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const WIDTH = 2200;
const HEIGHT = 1152;
const target = fileURLToPath(new URL('../samples/meadow.mov', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'upreel-sample-'));

/** A value in 0..1 for each lattice point, always the same. */
function hash(x, y, seed) {
  let h = Math.imul(x, 374761393) ^ Math.imul(y, 668265263) ^ Math.imul(seed, 2246822519);
  h = Math.imul(h ^ (h >>> 13), 1274126177);
  return ((h ^ (h >>> 16)) >>> 0) / 4294967296;
}

function noise(x, y, seed) {
  const ix = Math.floor(x);
  const iy = Math.floor(y);
  const fx = x - ix;
  const fy = y - iy;
  const sx = fx * fx * (3 - 2 * fx);
  const sy = fy * fy * (3 - 2 * fy);
  const top = hash(ix, iy, seed) * (1 - sx) + hash(ix + 1, iy, seed) * sx;
  const bottom = hash(ix, iy + 1, seed) * (1 - sx) + hash(ix + 1, iy + 1, seed) * sx;
  return top * (1 - sy) + bottom * sy;
}

function fractal(x, y, seed, octaves) {
  let sum = 0;
  let weight = 0.5;
  for (let i = 0; i < octaves; i++) {
    sum += weight * noise(x * 2 ** i, y * 2 ** i, seed + i);
    weight /= 2;
  }
  return sum / (1 - 2 ** -octaves);
}

const clamp = (value, least = 0, most = 1) => Math.min(most, Math.max(least, value));
const mix = (a, b, t) => a.map((value, i) => value + (b[i] - value) * t);

/** Sky with clouds, then three ridges, each nearer, darker and greener. */
function paintFar(x, y) {
  const height = y / HEIGHT;
  const cloud = clamp((fractal(x / 420, y / 170, 7, 6) - 0.48) * 4) * clamp(1.4 - height * 2.2);
  let color = mix(mix([92, 142, 205], [214, 225, 232], clamp(height * 1.9)), [246, 244, 240], cloud);
  const ridges = [
    { seed: 21, base: 0.42, rise: 0.3, scale: 520, color: [134, 152, 178] },
    { seed: 33, base: 0.53, rise: 0.22, scale: 380, color: [92, 118, 122] },
    { seed: 45, base: 0.63, rise: 0.16, scale: 260, color: [58, 86, 52] },
  ];
  for (const { seed, base, rise, scale, color: tint } of ridges) {
    const ridge = (base + rise * (0.5 - fractal(x / scale, 0.5, seed, 8))) * HEIGHT;
    if (y < ridge) continue;
    const rough = fractal(x / 34, y / 26, seed + 9, 6) - fractal(x / 34 + 0.06, y / 26 - 0.05, seed + 9, 6);
    const light = 1 + rough * 6 + (fractal(x / 110, y / 70, seed + 3, 5) - 0.5) * 0.55;
    color = mix(tint, [188, 200, 208], clamp(0.28 - (y - ridge) / HEIGHT)).map((value) => value * light);
  }
  return [...color, 255];
}

/** Meadow with flowers, a brick house, a fence; transparent above. */
function paintNear(x, y) {
  const edge = HEIGHT * (0.72 + 0.05 * (fractal(x / 600, 1.5, 61, 5) - 0.5));
  const house = paintHouse(x - 1180, y - (HEIGHT * 0.735 - 300));
  if (house !== null) return [...house, 255];
  const fence = paintFence(x, y - HEIGHT * 0.74);
  if (fence !== null) return [...fence, 255];
  if (y < edge) return [0, 0, 0, 0];
  const depth = (y - edge) / (HEIGHT - edge);
  const size = 3 + depth * 9;
  const blades = fractal(x / size + Math.sin(y / 31) * 0.4, y / (size * 4), 71, 4);
  const patch = fractal(x / 190, y / 60, 83, 4);
  let color = mix([62, 92, 36], [148, 160, 66], clamp(patch * 1.2 - 0.1)).map((v) => v * (0.5 + blades));
  const cell = Math.round(9 + depth * 12);
  const cx = Math.floor(x / cell);
  const cy = Math.floor(y / cell);
  const kind = hash(cx, cy, 97);
  const dx = x - (cx + 0.3 + 0.4 * hash(cx, cy, 98)) * cell;
  const dy = y - (cy + 0.3 + 0.4 * hash(cx, cy, 99)) * cell;
  if (kind > 0.9 && dx * dx + dy * dy < (cell * 0.2) ** 2) {
    color = kind > 0.96 ? [232, 208, 60] : kind > 0.93 ? [238, 236, 232] : [196, 60, 58];
  }
  return [...color, 255];
}

function paintHouse(x, y) {
  const grain = fractal(x / 9, y / 9, 111, 3);
  if (y >= 0 && y < 150 && Math.abs(x - 260) < 170 + y * 0.9 - 20) {
    const row = Math.floor(y / 12);
    const seam = y % 12 < 2 || (x + (row % 2) * 11) % 22 < 2;
    return [128, 62, 48].map(
      (v) => v * (seam ? 0.6 : 0.8 + 0.35 * hash(Math.floor((x + (row % 2) * 11) / 22), row, 5)),
    );
  }
  if (x < 0 || x >= 520 || y < 150 || y >= 340) return null;
  for (const left of [60, 220, 380]) {
    const wx = x - left;
    const wy = y - 195;
    if (wx < 0 || wx >= 80 || wy < 0 || wy >= 95) continue;
    const frame = wx < 6 || wx >= 74 || wy < 6 || wy >= 89 || Math.abs(wx - 40) < 3 || Math.abs(wy - 40) < 3;
    return frame ? [226, 222, 210] : [38 + wy * 0.5, 52 + wy * 0.6, 66 + wy * 0.7];
  }
  const row = Math.floor(y / 10);
  const shift = (row % 2) * 12;
  const mortar = y % 10 < 2 || (x + shift) % 24 < 2;
  const tone = 0.82 + 0.3 * hash(Math.floor((x + shift) / 24), row, 3);
  return (mortar ? [186, 178, 166] : [164 * tone, 96 * tone, 74 * tone]).map((v) => v * (0.9 + 0.2 * grain));
}

function paintFence(x, y) {
  if (x > 1150 && x < 1720) return null;
  const post = x % 46;
  const wood = (base) => base.map((v) => v * (0.75 + 0.5 * fractal(x / 3, y / 30, 131, 3)));
  const tip = Math.abs(post - 8) * 1.1;
  if (post < 16 && y > -70 + tip && y < 46) return wood([204, 196, 180]);
  if ((y > -46 && y < -36) || (y > 4 && y < 14)) return wood([186, 178, 162]);
  return null;
}

function paint(name, color) {
  const pixels = Buffer.alloc(WIDTH * HEIGHT * 4);
  for (let y = 0, at = 0; y < HEIGHT; y++) {
    for (let x = 0; x < WIDTH; x++, at += 4) {
      const [r, g, b, a] = color(x, y);
      pixels[at] = clamp(r, 0, 255);
      pixels[at + 1] = clamp(g, 0, 255);
      pixels[at + 2] = clamp(b, 0, 255);
      pixels[at + 3] = a;
    }
  }
  const path = join(folder, name);
  writeFileSync(path, pixels);
  return [
    '-f',
    'rawvideo',
    '-pixel_format',
    'rgba',
    '-video_size',
    `${WIDTH}x${HEIGHT}`,
    '-framerate',
    '50',
    '-i',
    path,
  ];
}

/** The still `input` as 50 pictures a second of a window that moves by `step` pixels each. */
function pan(input, from, step, more) {
  return `[${input}]loop=loop=99:size=1,setpts=N/50/TB,format=${more},crop=1440:${HEIGHT}:x='${from}+${step}*n':y=0:exact=1`;
}

try {
  mkdirSync(fileURLToPath(new URL('../samples', import.meta.url)), { recursive: true });
  const filters = [
    `${pan(0, 40, 1, 'gbrp')}[far]`,
    `${pan(1, 300, 4, 'rgba')}[near]`,
    '[far][near]overlay=format=gbrp,scale=720:576:flags=area:out_color_matrix=bt601:out_range=tv,format=yuv444p',
    // A tape: soft colour, a little noise, two fields a frame, pixels a little wider than high.
    'noise=c0s=5:c0f=t:c1s=2:c1f=t:c2s=2:c2f=t,tinterlace=mode=interleave_top,fieldorder=tff',
    'scale=720:576:interl=1,format=yuv420p,setsar=16/15,setparams=field_mode=tff:color_primaries=bt470bg:color_trc=smpte170m:colorspace=bt470bg:range=tv',
  ];
  const sound =
    'aevalsrc=0.12*sin(2*PI*220*t)*(1+sin(2*PI*0.7*t))/2+0.08*sin(2*PI*330*t)+0.03*(random(0)-0.5)|0.12*sin(2*PI*277*t)+0.03*(random(1)-0.5):s=48000:d=2';
  const args = [
    ...[
      '-hide_banner',
      '-loglevel',
      'error',
      '-y',
      ...paint('far.rgba', paintFar),
      ...paint('near.rgba', paintNear),
    ],
    ...['-f', 'lavfi', '-i', sound, '-filter_complex', `${filters.join(',').replaceAll('],[', '];[')}[v]`],
    ...['-map', '[v]', '-map', '2:a', '-t', '2', '-c:v', 'libx264', '-preset', 'veryslow', '-crf', '23'],
    ...['-flags', '+ildct+ilme+bitexact', '-x264-params', 'tff=1:keyint=25', '-c:a', 'aac', '-b:a', '96k'],
    ...[
      '-color_primaries',
      'bt470bg',
      '-color_trc',
      'smpte170m',
      '-colorspace',
      'bt470bg',
      '-color_range',
      'tv',
    ],
    ...['-timecode', '10:00:00:00', '-metadata', 'title=Meadow', '-metadata:s:a:0', 'language=eng', target],
  ];
  const { status, stderr } = spawnSync(process.env['UPREEL_FFMPEG'] ?? 'ffmpeg', args, { encoding: 'utf8' });
  if (status !== 0) {
    console.error(stderr);
    process.exitCode = 1;
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
