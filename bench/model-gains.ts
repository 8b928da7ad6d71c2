import { readdir } from 'node:fs/promises';
import path from 'node:path';
import type { FfmpegTools } from '../src/ffmpeg/tools.ts';
import type { ModelFacts } from '../src/infer/infer-plan.ts';
import {
  averageOverClips,
  makeQualityTests,
  measureGains,
  summariseGains,
  type QualityGains,
  type QualityTest,
} from '../src/measure/model-quality.ts';
import { makeCamcorderTests, MEDIA, type CamcorderTest, type Medium } from './camcorder-tests.ts';

/** Mean gains over ffmpeg's Lanczos in dB of Y-PSNR. */
export interface ModelGains extends QualityGains {
  /** On noisy recordings; null where they were not made. */
  readonly recorded: RecordedGains | null;
}

export interface RecordedGains {
  readonly overLanczos: Readonly<Record<Medium, number>>;
  /** Over `hqdn3d` and then Lanczos. */
  readonly overDenoised: Readonly<Record<Medium, number>>;
}

/** The tests of a folder of clips, made once for each factor. */
export class TestClips {
  readonly files: readonly string[];
  readonly #tools: FfmpegTools;
  readonly #quality = new Map<number, Promise<QualityTest[]>>();
  readonly #recorded = new Map<number, Promise<CamcorderTest[]>>();

  private constructor(files: readonly string[], tools: FfmpegTools) {
    this.files = files;
    this.#tools = tools;
  }

  static async list(folder: string, tools: FfmpegTools): Promise<TestClips> {
    const names = (await readdir(folder)).filter((name) => !name.endsWith('.md')).sort();
    return new TestClips(
      names.map((name) => path.join(folder, name)),
      tools,
    );
  }

  /** Clean and compressed pictures, as `training/footage.py` makes them. */
  quality(factor: number): Promise<QualityTest[]> {
    return remember(this.#quality, factor, () =>
      this.#makeAll((file) => makeQualityTests(file, { tools: this.#tools, factor })),
    );
  }

  recorded(factor: number): Promise<CamcorderTest[]> {
    return remember(this.#recorded, factor, () =>
      this.#makeAll((file) => makeCamcorderTests(file, { tools: this.#tools, factor })),
    );
  }

  async #makeAll<T>(make: (file: string) => Promise<T[]>): Promise<T[]> {
    const tests: T[] = [];
    for (const file of this.files) tests.push(...(await make(file)));
    return tests;
  }
}

/** Measures `model` on `clips`, which are shrunk by its own scale; a filter's is 2. */
export async function measureModel(
  model: ModelFacts,
  clips: TestClips,
  { recordings }: { readonly recordings: boolean },
): Promise<ModelGains> {
  const factor = model.kind === 'resample' ? 2 : model.scale;
  const cpu = { device: 'cpu', threads: 1 } as const;
  const tests = await clips.quality(factor);
  const gains = summariseGains(tests, await measureGains(model, tests, cpu));
  if (!recordings) return { ...gains, recorded: null };
  const recorded = await clips.recorded(factor);
  return { ...gains, recorded: summariseRecorded(recorded, await measureGains(model, recorded, cpu)) };
}

/** What `hqdn3d` and then Lanczos gain over Lanczos alone. */
export async function measureDenoiser(clips: TestClips): Promise<RecordedGains> {
  const tests = await clips.recorded(2);
  return summariseRecorded(
    tests,
    tests.map(({ denoised, lanczos }) => denoised - lanczos),
  );
}

function summariseRecorded(tests: readonly CamcorderTest[], gains: readonly number[]): RecordedGains {
  const over = (reference: (test: CamcorderTest) => number): Record<Medium, number> => {
    const means = MEDIA.map((medium) => [
      medium,
      averageOverClips(
        tests.flatMap((test, i) =>
          test.medium === medium
            ? [{ clip: test.clip, gain: test.lanczos + (gains[i] ?? 0) - reference(test) }]
            : [],
        ),
      ),
    ]);
    return Object.fromEntries(means) as Record<Medium, number>;
  };
  return { overLanczos: over(({ lanczos }) => lanczos), overDenoised: over(({ denoised }) => denoised) };
}

function remember<T>(known: Map<number, Promise<T>>, factor: number, make: () => Promise<T>): Promise<T> {
  const found = known.get(factor) ?? make();
  known.set(factor, found);
  return found;
}
