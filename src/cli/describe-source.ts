import { formatRational, toNumber, type Rational } from '../core/rational.ts';
import { PROVENANCE_TAG, type Provenance } from '../core/provenance.ts';
import type { OtherStream, Source, VideoStream } from '../decode/source.ts';
import { formatBytes, formatDuration } from '../core/format.ts';
import { formatHeading, layOutTable } from './text-table.ts';

/** A source as a table for people. */
export function describeSource(source: Source): string {
  const { container, video, identity, others, chapters, timecode, provenance } = source;
  const rows: string[][] = [
    [
      'container',
      [container.format, formatBytes(identity.size), describeLength(container.duration)]
        .filter(Boolean)
        .join(', '),
    ],
    ['video', describeVideo(video)],
    ['picture', describePicture(video)],
    ['fields', `${video.fields.found}: ${video.fields.reason}`],
    ['frames', describeFrames(video)],
    ['colour', describeColor(video)],
    ...others.map((stream) => [`${stream.type} ${String(stream.index)}`, describeStream(stream)]),
  ];
  if (timecode !== null) {
    const rate = timecode.rate === null ? '' : ` at ${formatRate(timecode.rate)}`;
    rows.push([
      'timecode',
      `${timecode.text}${rate}${timecode.reel === null ? '' : `, reel ${timecode.reel}`}`,
    ]);
  }
  if (chapters.length > 0) rows.push(['chapters', String(chapters.length)]);
  if (provenance !== null) rows.push(['upscaled', describeProvenance(provenance)]);
  const plain = Object.entries(container.tags).filter(
    ([name]) => provenance === null || !PROVENANCE_TAG.test(name),
  );
  const tags = plain.map(([name, value]) => `${name}=${value}`);
  if (tags.length > 0) rows.push(['tags', tags.join('; ')]);
  for (const complaint of video.scan.complaints.slice(0, 5)) rows.push(['damage', complaint]);
  for (const { level, message } of source.notices) rows.push([level, message]);
  return `${formatHeading(source.path)}\n${layOutTable(rows)}`;
}

function describeProvenance({ method, models, scale, version, sourceSampleSha256 }: Provenance): string {
  const names = models.map(({ id, sha256 }) => (sha256 === null ? id : `${id} (${sha256.slice(0, 12)})`));
  const how = method === 'AI' ? 'by AI' : 'by a plain filter';
  return `${how}, ${String(scale)}x, ${names.join(', ')}; Upreel ${version}, from ${sourceSampleSha256.slice(0, 12)}`;
}

function describeLength(seconds: number | null): string {
  return seconds === null ? '' : seconds < 60 ? `${seconds.toFixed(2)} s` : formatDuration(seconds);
}

function describeVideo(video: VideoStream): string {
  const profile = video.profile === null ? '' : ` (${video.profile})`;
  const alpha = video.hasAlpha ? ', with alpha' : '';
  return `${video.codec}${profile}, ${video.pixelFormat}, ${String(video.bits)} bit${alpha}`;
}

function describePicture(video: VideoStream): string {
  const parts = [`${video.width}x${video.height}`];
  const { sampleAspectRatio: aspect } = video;
  if (aspect.num !== aspect.den) parts.push(`pixels ${formatRational(aspect, ':')}`);
  if (video.rotation !== 0) parts.push(`turned by ${String(video.rotation)} degrees`);
  if (video.mirrored) parts.push('mirrored');
  if (video.displayWidth !== video.width || video.displayHeight !== video.height) {
    parts.push(`shown as ${video.displayWidth}x${video.displayHeight}`);
  }
  return parts.join(', ');
}

function describeFrames({ scan, frameRate, averageFrameRate }: VideoStream): string {
  const rate = frameRate ?? averageFrameRate;
  const parts = [String(scan.frames)];
  if (rate !== null)
    parts.push(scan.variableFrameRate ? `about ${formatRate(rate)}, variable` : formatRate(rate));
  if (scan.missingPts > 0) parts.push(`${String(scan.missingPts)} without a time`);
  if (scan.duplicatePts > 0) parts.push(`${String(scan.duplicatePts)} with the time of another`);
  if (!scan.complete) parts.push('the file is cut short or damaged');
  return parts.join(', ');
}

function describeColor({ color, hdr }: VideoStream): string {
  const tags = [
    ['matrix', color.matrix],
    ['primaries', color.primaries],
    ['transfer', color.transfer],
    ['range', color.range],
    ['chroma', color.chromaLocation],
  ].map(([name, value]) => `${String(name)} ${value === 'unknown' ? 'untagged' : String(value)}`);
  if (hdr.mastering !== undefined) tags.push('mastering display known');
  if (hdr.contentLight !== undefined) tags.push(`MaxCLL ${String(hdr.contentLight.maxCll)}`);
  if (hdr.dolbyVisionProfile !== undefined) tags.push(`Dolby Vision ${String(hdr.dolbyVisionProfile)}`);
  return tags.join(', ');
}

function describeStream(stream: OtherStream): string {
  const parts = [stream.codec];
  if (stream.sampleRate !== null) parts.push(`${String(stream.sampleRate)} Hz`);
  const channels =
    stream.channelLayout ?? (stream.channels === null ? null : `${String(stream.channels)} channels`);
  if (channels !== null) parts.push(channels);
  if (stream.language !== null) parts.push(stream.language);
  if (stream.title !== null) parts.push(stream.title);
  return parts.join(', ');
}

export function formatRate(rate: Rational): string {
  const exact = rate.den === 1 ? String(rate.num) : `${toNumber(rate).toFixed(3)} (${formatRational(rate)})`;
  return `${exact} fps`;
}
