import type { Color } from '../core/color.ts';

/** Transfers whose names as options of encoders differ from the names that files are probed with, in every ffmpeg since 2018. */
const TRANSFER_OPTIONS: Readonly<Record<string, string>> = {
  bt470m: 'gamma22',
  bt470bg: 'gamma28',
  log100: 'log',
  log316: 'log_sqrt',
  'iec61966-2-4': 'iec61966_2_4',
  bt1361e: 'bt1361',
  'iec61966-2-1': 'iec61966_2_1',
  'bt2020-10': 'bt2020_10bit',
  'bt2020-12': 'bt2020_12bit',
};

/** `-color_*` arguments that tag a stream; `specifier` is `:v:0` where several streams are written. */
export function buildColorOptions(color: Color, specifier = ''): string[] {
  const values = [
    ['range', color.range],
    ['primaries', color.primaries],
    ['trc', TRANSFER_OPTIONS[color.transfer] ?? color.transfer],
  ] as const;
  return [
    ...values.flatMap(([name, value]) => (value === 'unknown' ? [] : [`-color_${name}${specifier}`, value])),
    ...(color.matrix === 'unknown'
      ? []
      : [`-colorspace${specifier}`, color.matrix === 'gbr' ? 'rgb' : color.matrix]),
  ];
}
