import { isHdrTransfer, type Color, type HdrMetadata } from '../core/color.ts';
import { readPixelTraits, type PixelTraits } from '../decode/pixel-traits.ts';
import { resolveColor } from '../decode/resolve-color.ts';
import type { Delivery } from './delivery.ts';
import type { Finding } from './finding.ts';

/** Tags of the colours, depth, chroma, alpha and HDR metadata. */
export function checkColor(delivery: Delivery): Finding[] {
  const { source, output } = delivery;
  const from = readPixelTraits(source.video.pixelFormat);
  const to = readPixelTraits(output.video.pixelFormat);
  const expected = delivery.run?.plan.encode.color ?? resolveColor(source, to.family).color;
  return [
    ...checkTags(delivery, expected, to),
    checkDepth(delivery, from, to),
    ...checkChroma(delivery, from, to),
    ...checkAlpha(delivery),
    ...checkHdr(delivery),
  ];
}

/** Names of one and the same thing: the two 601 matrices, and the curve that 601 and 709 share. */
const SAME: Readonly<Record<'matrix' | 'transfer' | 'primaries', readonly (readonly string[])[]>> = {
  matrix: [['bt470bg', 'smpte170m']],
  transfer: [['bt709', 'smpte170m', 'bt2020-10', 'bt2020-12']],
  primaries: [['smpte170m', 'smpte240m']],
};

function checkTags(delivery: Delivery, expected: Color, to: PixelTraits): Finding[] {
  const actual = delivery.output.video.color;
  const names = ['matrix', 'primaries', 'transfer', 'range', 'chromaLocation'] as const;
  return names.flatMap((name): Finding[] => {
    if (to.family !== 'yuv' && (name === 'matrix' || name === 'range' || name === 'chromaLocation'))
      return [];
    // Files can tell the siting of 4:2:0 alone.
    if (name === 'chromaLocation' && to.chroma !== '420') return [];
    const check = name === 'chromaLocation' ? 'chroma location' : name;
    return [
      { check, expected: expected[name], actual: actual[name], ...judgeTag(delivery, name, expected[name]) },
    ];
  });
}

function judgeTag(
  { source, output, run }: Delivery,
  name: keyof Color,
  expected: string,
): Pick<Finding, 'status' | 'note'> {
  const actual = output.video.color[name];
  if (actual === expected || isSame(name, actual, expected)) return { status: 'ok' };
  // Without vertical subsampling only the horizontal place counts.
  const { chroma } = readPixelTraits(output.video.pixelFormat);
  if (name === 'chromaLocation' && chroma !== '420' && column(actual) === column(expected))
    return { status: 'ok' };
  if (actual !== 'unknown') {
    // Tools that go by their own rules for what the source leaves untagged are not wrong in fact.
    const assumed =
      run === null && source.video.color[name] === 'unknown' && name !== 'matrix' && name !== 'range';
    if (run === null && (name === 'range' || name === 'chromaLocation')) {
      return {
        status: 'warning',
        note: 'another than the source has; the pictures tell whether they were converted',
      };
    }
    return {
      status: assumed ? 'warning' : 'failed',
      note: assumed ? 'the source has no tag; this is another guess' : undefined,
    };
  }
  if (output.isPictures) return { status: 'skipped', note: 'pictures carry no such tag' };
  if (name === 'range' && expected === 'tv')
    return { status: 'ok', note: 'limited is what players take without a tag' };
  if (name === 'chromaLocation') {
    return expected === 'left'
      ? { status: 'ok', note: 'left is what players take without a tag' }
      : { status: 'warning', note: 'the tag is not there; players take left' };
  }
  if (run === null && source.video.color[name] === 'unknown') {
    return { status: 'warning', note: 'no more tagged than the source; players must guess' };
  }
  return { status: 'failed', note: 'the tag is lost' };
}

function column(location: string): 'left' | 'center' {
  return location.endsWith('left') || location === 'unknown' ? 'left' : 'center';
}

function isSame(name: keyof Color, a: string, b: string): boolean {
  if (name !== 'matrix' && name !== 'transfer' && name !== 'primaries') return false;
  return SAME[name].some((group) => group.includes(a) && group.includes(b));
}

function checkDepth({ source, output, run }: Delivery, from: PixelTraits, to: PixelTraits): Finding {
  const row = {
    check: 'depth',
    expected: `${from.bits} bit`,
    actual: `${to.bits} bit (${output.video.pixelFormat})`,
  };
  if (to.bits >= from.bits) return { ...row, status: 'ok' };
  const planned = run !== null && readPixelTraits(run.plan.encode.pixelFormat).bits === to.bits;
  const hdr = isHdrTransfer(source.video.color.transfer);
  return {
    ...row,
    status: planned && !hdr ? 'warning' : 'failed',
    note: planned ? 'the encoder takes no more' : `${from.bits - to.bits} bits are lost`,
  };
}

const SAMPLES: Readonly<Record<string, number>> = {
  '444': 4,
  '422': 2,
  '440': 2,
  '420': 1,
  '411': 1,
  '410': 0.25,
};

function checkChroma({ run }: Delivery, from: PixelTraits, to: PixelTraits): Finding[] {
  if (from.family === 'gray' || to.family === 'gray') return [];
  const [wanted, actual] = [from.chroma ?? '444', to.chroma ?? '444'];
  const kept = (SAMPLES[actual] ?? 0) >= (SAMPLES[wanted] ?? 0);
  const name = (traits: PixelTraits, chroma: string): string =>
    traits.family === 'rgb' ? 'RGB' : Array.from(chroma).join(':');
  return [
    {
      check: 'chroma',
      status: kept ? 'ok' : 'warning',
      expected: name(from, wanted),
      actual: name(to, actual),
      note: kept
        ? undefined
        : run === null
          ? 'colour is coarser than in the source'
          : 'the encoder takes no finer colour',
    },
  ];
}

function checkAlpha({ source, output }: Delivery): Finding[] {
  // A palette may hold transparent entries that no picture uses.
  if (!source.video.hasAlpha || source.video.pixelFormat === 'pal8') return [];
  const kept = output.video.hasAlpha;
  return [
    {
      check: 'alpha',
      status: kept ? 'ok' : 'warning',
      expected: 'kept',
      actual: kept ? 'kept' : 'none',
      note: kept ? undefined : 'transparent parts are filled',
    },
  ];
}

function checkHdr({ source, output, run }: Delivery): Finding[] {
  const wanted = source.video.hdr;
  const rows: Finding[] = [];
  const promised = run?.plan.encode.hdr;
  for (const [key, name] of [
    ['mastering', 'mastering display'],
    ['contentLight', 'content light'],
  ] as const) {
    const expected = describeHdr(wanted, key);
    if (expected === null) continue;
    const actual = describeHdr(output.hdr, key) ?? 'none';
    const broken = run === null || promised?.[key] !== undefined;
    rows.push({
      check: name,
      status: actual === expected ? 'ok' : broken ? 'failed' : 'warning',
      expected,
      actual,
      note: actual === expected || broken ? undefined : 'the encoder cannot write it',
    });
  }
  return rows;
}

function describeHdr(hdr: HdrMetadata, key: 'mastering' | 'contentLight'): string | null {
  if (key === 'mastering') {
    const { mastering } = hdr;
    return mastering === undefined
      ? null
      : `${mastering.minLuminance.toPrecision(3)}..${mastering.maxLuminance.toFixed(0)} cd/m2`;
  }
  return hdr.contentLight === undefined
    ? null
    : `${hdr.contentLight.maxCll}/${hdr.contentLight.maxFall} cd/m2`;
}
