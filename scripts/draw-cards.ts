/**
 * Draws `examples.png` for the models of `models/` and says in their cards what it shows: the place of `samples/truth` where the model does
 * better than Lanczos by most, and the one where it does worse by most.
 *
 *     npx tsx scripts/draw-cards.ts [ID...]
 */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { TestClips } from '../bench/model-gains.ts';
import { pipeBytes } from '../src/ffmpeg/pipe-bytes.ts';
import { findTools } from '../src/ffmpeg/tools.ts';
import { loadRegistry } from '../src/infer/registry.ts';
import { scaleLuma, type LumaPlane } from '../src/measure/luma-plane.ts';
import type { QualityTest } from '../src/measure/model-quality.ts';
import { enlargeLuma, openModel } from '../src/measure/open-model.ts';
import { replaceSection } from './replace-section.ts';

/** Of a block, in samples of the truth; a multiple of 2, 3 and 4. */
const BLOCK = { width: 96, height: 60 };
/** Blocks are tried at every so many samples. */
const STEP = 12;
const BORDER = 12;
const ZOOM = 3;
/** Mean squared error below which both pictures look like the truth: 36 dB. */
const LEAST_ERROR = 16;
/** White samples between pictures. */
const GAP = 6;

interface Example {
  readonly test: QualityTest;
  /** Which of its clip's pictures of this degradation. */
  readonly scene: number;
  readonly left: number;
  readonly top: number;
  readonly planes: { readonly lanczos: LumaPlane; readonly model: LumaPlane };
  /** Mean squared errors of the block. */
  readonly errors: { readonly lanczos: number; readonly model: number };
}

const WORDS = {
  bicubic: 'shrunk by bicubic',
  area: 'shrunk by area',
  compressed: 'shrunk by bicubic, then x264 at crf 26',
};
const ORDINALS = ['1st', '2nd', '3rd'];

const root = fileURLToPath(new URL('..', import.meta.url));
const tools = await findTools();
const clips = await TestClips.list(path.join(root, 'samples/truth'), tools);
const registry = await loadRegistry({ directories: [path.join(root, 'models')] });
const wanted = process.argv.slice(2);
for (const { id } of registry.list()) if (wanted.length === 0 || wanted.includes(id)) await drawCard(id);

async function drawCard(id: string): Promise<void> {
  const facts = await registry.resolve(id);
  const tests = await clips.quality(facts.scale);
  const [first] = tests;
  if (first === undefined) throw new Error('there are no clips');
  const open = await openModel(facts, {
    ...{
      width: first.small.width,
      height: first.small.height,
      factor: facts.scale,
      device: 'cpu',
      threads: 1,
    },
    format: facts.channels === 1 ? 'gray' : 'gbrp',
  });
  let best: Example | null = null;
  let worst: Example | null = null;
  for (const [i, test] of tests.entries()) {
    const [lanczos] = await scaleLuma([test.small], test.truth, 'lanczos', { tools });
    if (lanczos === undefined) throw new Error('ffmpeg gave no picture');
    const model = await enlargeLuma(open, test.small);
    const scene = tests
      .slice(0, i)
      .filter(({ clip, degradation }) => clip === test.clip && degradation === test.degradation).length;
    for (const block of compareBlocks(test.truth, lanczos, model)) {
      const example = { ...block, test, scene, planes: { lanczos, model } };
      if (best === null || countDecibels(block.errors) > countDecibels(best.errors)) best = example;
      if (worst === null || countDecibels(block.errors) < countDecibels(worst.errors)) worst = example;
    }
  }
  await open.upscaler.close();
  if (best === null || worst === null) throw new Error('the clips are too small');
  const folder = path.join(root, 'models', id);
  await writeFile(path.join(folder, 'examples.png'), await drawPicture([best, worst]));
  const card = path.join(folder, 'CARD.md');
  const text = describeExamples(id, best, worst);
  const page = await readFile(card, 'utf8');
  const script = 'scripts/draw-cards.ts';
  const titled = page.includes('<!-- examples, ') ? page : `${page.trimEnd()}\n\n## Examples\n`;
  await writeFile(card, replaceSection(titled, 'examples', script, text));
  console.log(id, countDecibels(best.errors).toFixed(2), countDecibels(worst.errors).toFixed(2));
}

/** Squared errors of all blocks away from the borders. Flat ones, where nothing shows, are left out. */
function* compareBlocks(
  truth: LumaPlane,
  lanczos: LumaPlane,
  model: LumaPlane,
): Generator<Pick<Example, 'left' | 'top' | 'errors'>> {
  for (let top = BORDER; top + BLOCK.height <= truth.height - BORDER; top += STEP) {
    for (let left = BORDER; left + BLOCK.width <= truth.width - BORDER; left += STEP) {
      const errors = {
        lanczos: measureError(truth, lanczos, left, top),
        model: measureError(truth, model, left, top),
      };
      if (errors.lanczos > LEAST_ERROR) yield { left, top, errors };
    }
  }
}

function measureError(a: LumaPlane, b: LumaPlane, left: number, top: number): number {
  let sum = 0;
  for (let y = top; y < top + BLOCK.height; y++) {
    for (let i = y * a.width + left; i < y * a.width + left + BLOCK.width; i++) {
      sum += ((a.samples[i] ?? 0) - (b.samples[i] ?? 0)) ** 2;
    }
  }
  return sum / (BLOCK.width * BLOCK.height);
}

function countDecibels({ lanczos, model }: Example['errors']): number {
  return 10 * Math.log10(lanczos / model);
}

/** Rows of four blocks: the source's samples, Lanczos, the model, the truth. */
async function drawPicture(examples: readonly Example[]): Promise<Uint8Array> {
  const cell = { width: BLOCK.width * ZOOM, height: BLOCK.height * ZOOM };
  const width = 4 * cell.width + 3 * GAP;
  const height = examples.length * cell.height + (examples.length - 1) * GAP;
  const picture = new Uint8Array(width * height).fill(255);
  examples.forEach(({ test, left, top, planes }, row) => {
    [test.small, planes.lanczos, planes.model, test.truth].forEach((plane, column) => {
      const shrunk = test.truth.width / plane.width;
      for (let y = 0; y < cell.height; y++) {
        const from = Math.floor((top + y / ZOOM) / shrunk) * plane.width;
        const to = (row * (cell.height + GAP) + y) * width + column * (cell.width + GAP);
        for (let x = 0; x < cell.width; x++) {
          picture[to + x] = plane.samples[from + Math.floor((left + x / ZOOM) / shrunk)] ?? 0;
        }
      }
    });
  });
  return pipeBytes(tools, picture, {
    input: ['-f', 'rawvideo', '-pix_fmt', 'gray', '-s', `${width}x${height}`],
    output: ['-c:v', 'png', '-pred', 'mixed', '-compression_level', '9', '-f', 'image2pipe'],
    what: 'drawing examples',
  });
}

function describeExamples(id: string, best: Example, worst: Example): string {
  return [
    `![Two places of the samples, each as the source's samples, by Lanczos, by ${id} and as the truth](examples.png)`,
    '',
    `Luma, ${ZOOM} times as large. From left to right: the source's samples, ffmpeg's Lanczos, \`${id}\`, the truth.`,
    '',
    `- Above, where it is better than Lanczos by most: ${describePlace(best)}.`,
    `- Below, where it is ${countDecibels(worst.errors) < 0 ? 'worse than Lanczos by most' : 'better by least'}: ${describePlace(worst)}.`,
  ].join('\n');
}

function describePlace({ test, scene, errors }: Example): string {
  const decibels = (error: number): string => (10 * Math.log10(255 ** 2 / error)).toFixed(1);
  const where = `${ORDINALS[scene] ?? ''} scene of \`samples/truth/${test.clip}\``;
  return `${where}, ${WORDS[test.degradation]}; ${decibels(errors.lanczos)} dB by Lanczos, ${decibels(errors.model)} dB by the model`;
}
