import type { OtherStream } from '../decode/source.ts';
import { formatSeconds } from './check-frames.ts';
import { sameLanguage, type Delivery, type StreamPair } from './delivery.ts';
import { NO_PACKETS } from './read-packets.ts';
import type { Finding } from './finding.ts';

/** Each of the source's other streams: there, or dropped for a reason. */
export function checkStreams(delivery: Delivery): Finding[] {
  if (delivery.output.isPictures) return [];
  const numbers = new Map<string, number>();
  return delivery.pairs.flatMap((pair) => {
    const { type, tag } = pair.source;
    // The timecode track and the track that QuickTime keeps chapters in are checked as what they mean.
    if (tag === 'tmcd' || (type === 'data' && tag === 'text' && delivery.source.chapters.length > 0))
      return [];
    const number = (numbers.get(type) ?? 0) + 1;
    numbers.set(type, number);
    return [checkStream(delivery, pair, `${type} ${String(number)}`)];
  });
}

function checkStream(delivery: Delivery, pair: StreamPair, check: string): Finding {
  const { source, output, planned } = pair;
  const row = { check, expected: describeStream(delivery.sourcePackets, source) };
  if (output === null) {
    const excused = planned?.action === 'drop';
    // A further picture or what no program reads is no promise of a file that others made.
    const empty = (delivery.sourcePackets.get(source.index)?.packets ?? 0) === 0;
    const needed = (source.type === 'audio' || source.type === 'subtitle') && !empty;
    return {
      ...row,
      status: excused || !needed ? 'warning' : 'failed',
      actual: 'none',
      note: excused
        ? planned.reason
        : needed
          ? 'the track is missing'
          : empty
            ? 'the source holds nothing of it'
            : 'not carried over',
    };
  }
  const faults: string[] = [];
  const hints: string[] = [];
  if (source.type === 'audio') compareSound(delivery, pair, faults, hints);
  if (!sameLanguage(source.language, output.language)) {
    // MP4 and QuickTime know languages by three letters alone.
    const sayable = source.language?.length === 3 && source.language !== 'und';
    (sayable ? faults : hints).push(
      `its language is ${output.language ?? 'lost'}, not ${source.language ?? 'unknown'}`,
    );
  }
  if (source.title !== null && source.title !== output.title) hints.push('its title is lost');
  for (const flag of ['forced', 'hearing_impaired', 'visual_impaired', 'comment', 'lyrics', 'karaoke']) {
    if (source.disposition.includes(flag) && !output.disposition.includes(flag))
      hints.push(`it is no longer marked ${flag}`);
  }
  const actual = describeStream(delivery.output.packets, output);
  if (faults.length > 0) return { ...row, status: 'failed', actual, note: [...faults, ...hints].join('; ') };
  if (hints.length > 0) return { ...row, status: 'warning', actual, note: hints.join('; ') };
  return { ...row, status: 'ok', actual, note: planned?.action === 'transcode' ? planned.reason : undefined };
}

function compareSound(delivery: Delivery, pair: StreamPair, faults: string[], hints: string[]): void {
  const { source, output, planned } = pair;
  if (output === null) return;
  if (source.channels !== output.channels && source.channels !== null) {
    (planned?.action === 'transcode' ? hints : faults).push(
      `${String(output.channels)} channels instead of ${String(source.channels)}`,
    );
  }
  if (planned?.action === 'copy' && nameInContainer(source.codec) !== nameInContainer(output.codec))
    faults.push('it is another codec, though it was to be copied');
  const before = delivery.sourcePackets.get(source.index) ?? NO_PACKETS;
  const after = delivery.output.packets.get(output.index) ?? NO_PACKETS;
  const [length, found] = [lengthOf(before), lengthOf(after)];
  if (length === null || found === null || delivery.source.discontinuous) return;
  // A codec's frames are up to 0.1 s long, and encoders add a run-in.
  if (found < length - 0.15) {
    const damaged = delivery.run?.damage != null || !delivery.source.video.scan.complete;
    (damaged ? hints : faults).push(`${formatSeconds(length - found)} of it are missing`);
  }
}

function lengthOf({
  times,
  end,
}: {
  readonly times: Float64Array;
  readonly end: number | null;
}): number | null {
  return times.length === 0 || end === null ? null : end - (times[0] ?? 0);
}

/** MP4 has one name for all layers of MPEG audio, and readers take the last for it; the bytes say which it is. */
function nameInContainer(codec: string): string {
  return codec === 'mp1' || codec === 'mp2' ? 'mp3' : codec;
}

function describeStream(packets: Delivery['sourcePackets'], stream: OtherStream): string {
  const length = lengthOf(packets.get(stream.index) ?? NO_PACKETS);
  const parts = [stream.codec];
  if (stream.channels !== null) parts.push(`${String(stream.channels)} ch`);
  if (stream.sampleRate !== null) parts.push(`${String(stream.sampleRate)} Hz`);
  if (stream.language !== null && stream.language !== 'und') parts.push(stream.language);
  if (stream.type === 'audio' && length !== null) parts.push(formatSeconds(length));
  return parts.join(' ');
}
