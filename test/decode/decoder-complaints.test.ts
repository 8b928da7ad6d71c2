import { describe, expect, it } from 'vitest';
import { readComplaint } from '../../src/decode/decoder-complaints.ts';

describe('readComplaint', () => {
  it.each([
    ['[h264 @ 0x55] [error] Invalid NAL unit size (7789 > 2015).', 'Invalid NAL unit size (7789 > 2015).'],
    [
      '[mpegts @ 0x55] [warning] Packet corrupt (stream = 0, dts = 12).',
      'Packet corrupt (stream = 0, dts = 12).',
    ],
    ['[warning] a.ts: corrupt decoded frame in stream 0', 'a.ts: corrupt decoded frame in stream 0'],
    [
      '[error] Error while decoding stream #0:0: Invalid data',
      'Error while decoding stream #0:0: Invalid data',
    ],
  ])('keeps %s', (line, expected) => {
    expect(readComplaint(line, 0)).toBe(expected);
  });

  it.each([
    '[warning] Guessed Channel Layout for Input Stream #0.1 : mono',
    '[swscaler @ 0x55] [swscaler @ 0x56] [warning] deprecated pixel format used',
    '[mp3float @ 0x55] [error] Header missing',
    '[mpegts @ 0x55] [warning] Packet corrupt (stream = 1, dts = 12).',
    '[error] Error while decoding stream #0:1: Invalid data',
    '[nut @ 0x55] [warning] Non-monotonous DTS in output stream 0:0; previous: 5, current: 5; changing to 6.',
    '[h264 @ 0x55] [error] mmco: unref short failure',
    '[h264 @ 0x55] [error] non-existing SPS 0 referenced in buffering period',
    '[mxf @ 0x55] [error] index entry 27 + TemporalOffset 1 = 28, which is out of bounds',
    '[h264 @ 0x55] [error] SEI type 5 size 720 truncated at 264',
    '    Last message repeated 3 times',
  ])('passes over %s', (line) => {
    expect(readComplaint(line, 0)).toBeNull();
  });
});
