import { PROVENANCE_TAG } from '../core/provenance.ts';
import { originOf } from './check-frames.ts';
import { sourceVideoTimes, typicalStep, type Delivery } from './delivery.ts';
import type { Finding } from './finding.ts';

/** Timecode, chapters and tags. */
export function checkMetadata(delivery: Delivery): Finding[] {
  if (delivery.output.isPictures) return [];
  return [...checkTimecode(delivery), ...checkChapters(delivery), ...checkTags(delivery)];
}

function checkTimecode({ source, output, run }: Delivery): Finding[] {
  if (source.timecode === null) return [];
  const excused = run !== null && run.plan.assemble.timecode === null;
  const { text, reel } = source.timecode;
  const wanted = run?.plan.assemble.timecode?.text ?? text;
  const rows: Finding[] = [
    {
      check: 'timecode',
      // Both marks before the frames mean drop-frame.
      status: normalize(output.timecode?.text) === normalize(wanted) ? 'ok' : excused ? 'warning' : 'failed',
      expected: wanted,
      actual: output.timecode?.text ?? 'none',
      note: excused ? 'the container cannot hold it' : undefined,
    },
  ];
  if (reel !== null) {
    const kept = output.timecode?.reel === reel;
    rows.push({
      check: 'reel',
      status: kept ? 'ok' : 'warning',
      expected: reel,
      actual: output.timecode?.reel ?? 'none',
      note: kept ? undefined : 'editing programs that match by reel will not find it',
    });
  }
  return rows;
}

function normalize(timecode: string | undefined): string {
  return (timecode ?? '').replace(/[;.](\d+)$/, ';$1');
}

function checkChapters(delivery: Delivery): Finding[] {
  const { source, output, run } = delivery;
  if (source.chapters.length === 0) return [];
  const count = output.chapters.length;
  const row = { check: 'chapters', expected: String(source.chapters.length), actual: String(count) };
  if (count !== source.chapters.length) {
    const excused = run !== null && !run.plan.assemble.chapters;
    return [
      {
        ...row,
        status: excused ? 'warning' : 'failed',
        note: excused ? 'the container cannot hold them' : undefined,
      },
    ];
  }
  const shift =
    originOf(source.container.format, source.container.startTime) - originOf(output.format, output.startTime);
  const step = typicalStep(sourceVideoTimes(delivery));
  const moved = source.chapters.findIndex(
    ({ start }, i) => Math.abs((output.chapters[i]?.start ?? 0) - (start - shift)) > step + 0.001,
  );
  if (moved >= 0) {
    return [
      {
        ...row,
        status: 'failed',
        note: `chapter ${String(moved + 1)} starts at ${String(output.chapters[moved]?.start)} s, not ${String(source.chapters[moved]?.start)} s`,
      },
    ];
  }
  const renamed = source.chapters.findIndex(
    ({ title }, i) => title !== null && title !== output.chapters[i]?.title,
  );
  return [
    renamed < 0
      ? { ...row, status: 'ok' }
      : { ...row, status: 'failed', note: `chapter ${String(renamed + 1)} has lost its title` },
  ];
}

/** Tags that speak of the container and of who wrote it, not of the work; and those that are checked by themselves. */
const OF_THE_FILE =
  /^(major_brand|minor_version|compatible_brands|encoder|encoding_tool|duration|handler_name|vendor_id|timecode|reel(_name)?|creation_time|software|bps.*|number_of_.*|_statistics.*|rotate|.*_uid|uid|.*umid.*|product_.*|company_name|application_platform|operational_pattern_ul|toolkit_version.*|modification_date|project_name|generation_uid|file_package.*|data_type|maxrate|ismtrackid|totalduration|totaldatarate|hasvideo|hasaudio|.*datarate|.*size|framerate|width|height|canseektoend|.*codecid|metadatacreator|hasmetadata|haskeyframes|.*timestamp|audiodelay|stereo|audiosample.*|service_.*)$/i;

function checkTags({ source, output }: Delivery): Finding[] {
  const kept = new Map(Object.entries(output.tags).map(([name, value]) => [name.toLowerCase(), value]));
  const names = Object.keys(source.container.tags).filter(
    (name) => !OF_THE_FILE.test(name) && !PROVENANCE_TAG.test(name),
  );
  if (names.length === 0) return [];
  const lost = names.filter((name) => kept.get(name.toLowerCase()) !== source.container.tags[name]);
  return [
    {
      check: 'tags',
      status: lost.length === 0 ? 'ok' : 'warning',
      expected: String(names.length),
      actual: String(names.length - lost.length),
      note: lost.length === 0 ? undefined : `not carried over: ${lost.slice(0, 8).join(', ')}`,
    },
  ];
}
