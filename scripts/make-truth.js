// Makes samples/truth: short lossless clips of photographs in the public domain, to measure models on. samples/truth/README.md says whose they are.
// The clips are committed; run this only to make them anew, with the packages of Debian that hold the photographs:
//     apt-get download python3-skimage python3-scipy; dpkg -x each into FOLDER; node scripts/make-truth.js FOLDER
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const [packages] = process.argv.slice(2);
if (packages === undefined) throw new Error('usage: node scripts/make-truth.js FOLDER');
const python = join(packages, 'usr/lib/python3/dist-packages');
const work = mkdtempSync(join(tmpdir(), 'upreel-truth-'));

// Halves, thirds and quarters are whole and even, so that models of every scale can be measured.
const WIDTH = 384;
const HEIGHT = 288;
/** As many as are compressed together at most. */
const FRAMES_A_SCENE = 12;
/** Samples a frame, even, so that chroma moves by whole samples too and no resampling touches the truth. */
const STEP = 2;

/** Scenes by the upper left corner of their first window. */
const CLIPS = {
  indoors: [
    { file: join(python, 'skimage/data/astronaut.png'), x: 84, y: 0 },
    { file: join(python, 'skimage/data/chelsea.png'), x: 40, y: 6 },
    { file: join(python, 'skimage/data/coffee.png'), x: 120, y: 40 },
  ],
  outdoors: [
    { file: join(python, 'skimage/data/camera.png'), x: 60, y: 30 },
    { file: join(python, 'skimage/data/rocket.jpg'), x: 60, y: 130 },
    { file: unpackRaccoon(), x: 100, y: 20, shrink: 2 },
  ],
};

/** Raw RGB samples in a bzip2 file, as a picture. */
function unpackRaccoon() {
  const { stdout, status } = spawnSync('bzip2', ['-dc', join(python, 'scipy/misc/face.dat')], {
    maxBuffer: 2 ** 24,
  });
  if (status !== 0) throw new Error('bzip2 cannot unpack the raccoon');
  const file = join(work, 'raccoon.ppm');
  writeFileSync(file, Buffer.concat([Buffer.from('P6 1024 768 255\n'), stdout]));
  return file;
}

function makeClip(name, scenes) {
  const moves = scenes.map(
    ({ x, y, shrink = 1 }, i) =>
      `[${i}:v]scale=iw/${shrink}:ih/${shrink}:flags=area+accurate_rnd,crop=${WIDTH}:${HEIGHT}:x='${x}+${STEP}*n':y=${y},trim=end_frame=${FRAMES_A_SCENE},format=gbrp[s${i}]`,
  );
  const joined = `${scenes.map((_, i) => `[s${i}]`).join('')}concat=n=${scenes.length}`;
  const colour =
    'scale=out_color_matrix=bt709:out_range=tv:flags=accurate_rnd+full_chroma_int,format=yuv420p,setparams=color_primaries=bt709:color_trc=bt709:colorspace=bt709:range=tv';
  const target = fileURLToPath(new URL(`../samples/truth/${name}.mkv`, import.meta.url));
  const args = ['-hide_banner', '-loglevel', 'error', '-y'];
  for (const { file } of scenes) args.push('-loop', '1', '-framerate', '25', '-i', file);
  args.push('-filter_complex', `${moves.join(';')};${joined},${colour}[v]`, '-map', '[v]');
  args.push('-c:v', 'libx264', '-preset', 'veryslow', '-qp', '0', '-bf', '0', '-threads', '1');
  args.push('-fflags', '+bitexact', '-flags', '+bitexact', target);
  const { status, stderr } = spawnSync(process.env['UPREEL_FFMPEG'] ?? 'ffmpeg', args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
}

try {
  for (const [name, scenes] of Object.entries(CLIPS)) makeClip(name, scenes);
} finally {
  rmSync(work, { recursive: true, force: true });
}
