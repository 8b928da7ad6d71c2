import { describe, expect, it } from 'vitest';
import { readFfprobeDocument } from '../../src/decode/ffprobe-json.ts';
import { findTimecode } from '../../src/decode/timecode.ts';

function find(document: object): ReturnType<typeof findTimecode> {
  return findTimecode(readFfprobeDocument(JSON.stringify(document)), 0);
}

describe('findTimecode', () => {
  it('reads a tmcd track with its own rate and reel', () => {
    const video = { index: 0, codec_type: 'video', tags: { timecode: '09:09:09:09' } };
    const track = {
      index: 1,
      codec_type: 'data',
      codec_tag_string: 'tmcd',
      avg_frame_rate: '30000/1001',
      tags: { timecode: '01:00:00;00', reel_name: 'A001' },
    };
    expect(find({ streams: [video, track] })).toEqual({
      text: '01:00:00;00',
      dropFrame: true,
      rate: { num: 30000, den: 1001 },
      reel: 'A001',
    });
  });

  it.each([
    ['the video', { streams: [{ index: 0, tags: { timecode: '10:00:00:12' } }] }],
    [
      'the file',
      { format: { format_name: 'mxf', tags: { timecode: '10:00:00:12' } }, streams: [{ index: 0 }] },
    ],
    [
      'Matroska',
      { format: { format_name: 'matroska', tags: { TIMECODE: '10:00:00:12' } }, streams: [{ index: 0 }] },
    ],
    ['another stream', { streams: [{ index: 0 }, { index: 1, tags: { timecode: '10:00:00:12' } }] }],
  ])('reads a tag of %s', (_, document) => {
    expect(find(document)).toEqual({ text: '10:00:00:12', dropFrame: false, rate: null, reel: null });
  });

  it('takes no nonsense for a timecode', () => {
    expect(find({ streams: [{ index: 0, tags: { timecode: 'none' } }] })).toBeNull();
    expect(find({ streams: [{ index: 0 }] })).toBeNull();
  });
});
