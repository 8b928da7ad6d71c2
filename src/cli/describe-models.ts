import type { ModelFacts } from '../infer/infer-plan.ts';
import type { Manifest } from '../infer/manifest.ts';
import { section } from './describe-plan.ts';
import { formatBytes } from '../core/format.ts';
import { formatHeading, layOutTable } from './text-table.ts';

const CHANNELS: Readonly<Record<number, string>> = { 1: 'luma', 3: 'RGB', 4: 'RGB with alpha' };

/** A model in the list. Plain JSON. */
export interface ListedModel {
  readonly id: string;
  readonly title: string | null;
  readonly scale: number;
  readonly channels: number;
  /** Of the ONNX file; null where it is gone. */
  readonly bytes: number | null;
  readonly isDefault: boolean;
  /** It came with Upreel. */
  readonly isShipped: boolean;
  readonly directory: string;
}

/** All that is known of a model. Plain JSON. */
export interface ShownModel {
  readonly facts: ModelFacts;
  readonly bytes: number | null;
  /** Null for files that have none. */
  readonly manifest: Manifest | null;
  readonly isDefault: boolean;
  readonly isShipped: boolean;
  /** Path of the model card. */
  readonly card: string | null;
}

/** `upreel models list` for people. */
export function describeModels(models: readonly ListedModel[]): string {
  const rows = models.map((model) => [
    model.id,
    model.title ?? '',
    `${String(model.scale)}x`,
    CHANNELS[model.channels] ?? '',
    model.bytes === null ? 'missing' : formatBytes(model.bytes),
    model.isDefault ? 'default' : '',
    model.isShipped ? 'comes with Upreel' : model.directory,
  ]);
  return layOutTable([HEADINGS.map((heading) => formatHeading(heading)), ...rows], { width: 160 });
}

const HEADINGS = ['model', 'title', 'scale', 'channels', 'size', '', 'where'];

/** `upreel models show` for people. */
export function describeModel(shown: ShownModel): string {
  const { facts, manifest, card, bytes, isDefault, isShipped } = shown;
  const rows = [
    ['title', manifest?.title],
    ['what', manifest?.description],
    ['for', manifest?.content],
    ['version', manifest?.version],
    ['architecture', manifest?.architecture],
    ['licence', manifest?.license],
    ['trained on', manifest?.trainingData],
    ['from', manifest === null ? undefined : describeSource(manifest)],
    ['default', isDefault ? 'yes: taken where no model is named' : undefined],
    ['comes with', isShipped ? 'Upreel' : undefined],
    ['card', card ?? undefined],
  ].filter((row): row is [string, string] => row[1] !== undefined);
  return [
    formatHeading(facts.id),
    layOutTable(rows),
    section('Network', describeFacts(facts, bytes)),
    section('Quality', manifest === null ? [] : describeQuality(manifest)),
    section('Speed', manifest === null ? [] : describeSpeed(manifest)),
  ]
    .filter((block) => block !== '')
    .join('\n');
}

function describeSource({ source }: Pick<Manifest, 'source'>): string | undefined {
  return source === undefined ? undefined : `${source.from} (${source.format}, sha256 ${source.sha256})`;
}

function describeFacts(facts: ModelFacts, bytes: number | null): string[][] {
  if (facts.kind === 'resample') return [['kind', 'a plain filter, for any scale']];
  const { fixedWidth, fixedHeight, multiple, receptiveRadius } = facts;
  const fixed = fixedWidth !== null || fixedHeight !== null;
  return [
    ['file', `${facts.path ?? ''}${bytes === null ? ' (missing)' : `, ${formatBytes(bytes)}`}`],
    ['sha256', facts.sha256 ?? ''],
    ...(facts.int8 === undefined
      ? []
      : [['int8', `${facts.int8.path}, where the processor is made for it (sha256 ${facts.int8.sha256})`]]),
    ['scale', `${String(facts.scale)} times`],
    [
      'works on',
      `${CHANNELS[facts.channels] ?? ''}, 0 to ${String(facts.range)}, ${facts.elementType} ${facts.layout}`,
    ],
    [
      'sizes',
      fixed
        ? `${String(fixedWidth ?? 'any')}x${String(fixedHeight ?? 'any')} alone, so frames are cut into tiles`
        : multiple === 1
          ? 'any'
          : `multiples of ${String(multiple)}; frames are padded`,
    ],
    [
      'sees',
      receptiveRadius === null
        ? 'the whole picture, so tiles differ from whole frames'
        : `${String(receptiveRadius)} samples to each side`,
    ],
    ['cost', `${(facts.flopsPerSample / 1000).toFixed(1)} thousand operations a sample`],
  ];
}

function describeQuality({
  measured,
  measuredOnSamples,
}: Pick<Manifest, 'measured' | 'measuredOnSamples'>): string[][] {
  return [measured, measuredOnSamples].flatMap((table) =>
    table === undefined
      ? []
      : [
          ...Object.entries(table.gains).map(([kind, gain]) => [
            kind,
            `${formatGain(gain)} dB over ${table.against}`,
          ]),
          ['on', table.on],
        ],
  );
}

function describeSpeed({ speed }: Pick<Manifest, 'speed'>): string[][] {
  if (speed === undefined) return [];
  const threads = speed.threads === 1 ? 'one thread' : `${String(speed.threads)} threads`;
  return [
    [speed.size, `${speed.milliseconds.toFixed(1)} ms a frame by ${threads} of ${speed.machine}`],
    ['ratio', `${speed.ratio.toFixed(2)} times the time of ${speed.against}`],
  ];
}

/** `+1.23`, `-0.40`. */
export function formatGain(gain: number): string {
  return `${gain < 0 ? '-' : '+'}${Math.abs(gain).toFixed(2)}`;
}
