// npm run demo: upscales the sample with the embedded model and shows what came out. Needs a built tree (npm run build).
import { mkdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runCommandLine } from '../dist/cli/main.js';
import { runFfmpeg } from '../dist/ffmpeg/process.js';
import { findTools } from '../dist/ffmpeg/tools.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const sample = join(root, 'samples', 'meadow.mov');
const folder = join(root, 'demo');
const output = join(folder, 'meadow.upreel.mp4');
const picture = join(folder, 'before-after.png');
/** What of the output is shown, in pixels, and when. */
const CROP = { width: 340, height: 300, x: 690, y: 600, second: 1 };
/** Each pixel is shown as so many, squarely. */
const MAGNIFIER = 2;

mkdirSync(folder, { recursive: true });
const show = (path) => relative(process.cwd(), path);
console.log(`$ upreel upscale ${show(sample)} -o ${show(output)} -y\n`);
await runCommandLine(['upscale', sample, '-o', output, '-y']);
if (process.exitCode === 0) {
  await cutOut();
  console.log(`Before (left: fields made frames, bicubic) and after (right): ${show(picture)}`);
}

/** The same piece of the same moment: the source enlarged by plain resampling, and the output, side by side. */
async function cutOut() {
  const { width, height, x, y, second } = CROP;
  const crop = `crop=${width}:${height}:${x}:${y},scale=iw*${MAGNIFIER}:-1:flags=neighbor,setsar=1,format=rgb24`;
  const moment = `trim=start=${second},setpts=PTS-STARTPTS`;
  const filters = [
    `[0:v]bwdif=mode=send_field:parity=tff,${moment},scale=1536:1152:flags=bicubic,${crop}[before]`,
    `[1:v]${moment},${crop}[after]`,
    '[before]pad=iw+8:ih:0:0:white[left]',
    '[left][after]hstack',
  ];
  const args = ['-hide_banner', '-loglevel', 'error', '-nostdin', '-y', '-i', sample, '-i', output];
  args.push('-filter_complex', filters.join(';'), '-frames:v', '1', picture);
  await runFfmpeg(await findTools(), args, { what: 'cutting out the picture before and after' });
}
