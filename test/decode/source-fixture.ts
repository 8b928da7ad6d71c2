import type { Source, VideoStream } from '../../src/decode/source.ts';

/** A progressive, untagged 720x576 H.264 stream at 25 frames a second, with changes. */
export function makeVideo(changes: Partial<VideoStream> = {}): VideoStream {
  return {
    index: 0,
    codec: 'h264',
    profile: null,
    width: 720,
    height: 576,
    pixelFormat: 'yuv420p',
    bits: 8,
    hasAlpha: false,
    decoder: null,
    sampleAspectRatio: { num: 1, den: 1 },
    rotation: 0,
    mirrored: false,
    displayWidth: 720,
    displayHeight: 576,
    frameRate: { num: 25, den: 1 },
    averageFrameRate: { num: 25, den: 1 },
    timeBase: { num: 1, den: 12800 },
    color: {
      range: 'unknown',
      primaries: 'unknown',
      transfer: 'unknown',
      matrix: 'unknown',
      chromaLocation: 'unknown',
    },
    hdr: {},
    fields: {
      tagged: 'progressive',
      found: 'progressive',
      topFieldFirst: null,
      mixed: false,
      reason: 'the file says so',
      evidence: { frames: 0, telling: 0, combed: 0, progressive: 0 },
    },
    scan: {
      frames: 100,
      firstPts: 0,
      lastPts: 99 * 512,
      lastDuration: null,
      keyframes: [0, 25 * 512, 50 * 512, 75 * 512],
      intraOnly: false,
      step: { min: 512, median: 512, max: 512 },
      variableFrameRate: false,
      missingPts: 0,
      duplicatePts: 0,
      complete: true,
      complaints: [],
    },
    language: null,
    ...changes,
  };
}

export function makeSource(video: Partial<VideoStream> = {}, changes: Partial<Source> = {}): Source {
  return {
    path: '/clips/tape.mp4',
    kind: 'file',
    inputOptions: [],
    container: { format: 'mov,mp4,m4a,3gp,3g2,mj2', startTime: 0, duration: 4, bitRate: null, tags: {} },
    identity: { size: 1, mtimeMs: 0, sampleSha256: '' },
    video: makeVideo(video),
    discontinuous: false,
    others: [],
    chapters: [],
    timecode: null,
    provenance: null,
    notices: [],
    ...changes,
  };
}

/** Fields as found, without a word on why. */
export function makeFields(found: VideoStream['fields']['found']): VideoStream['fields'] {
  const topFieldFirst = found === 'bff' ? false : found === 'progressive' ? null : true;
  return { ...makeVideo().fields, tagged: found, found, topFieldFirst, reason: 'its frames show it' };
}
