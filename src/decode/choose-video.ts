import { UpscaleError } from '../core/errors.ts';
import type { Notice } from '../core/notice.ts';
import { readLastWords } from './describe-file.ts';
import type { FfprobeDocument, FfprobeStream } from './ffprobe-json.ts';

/**
 * Chooses the stream to upscale: the first video that is no cover art or thumbnail and that has a picture. Throws `SOURCE_NO_VIDEO`,
 * `SOURCE_ENCRYPTED`, or `SOURCE_UNREADABLE` when the file names a video and holds none of it.
 */
export function chooseVideo(
  file: string,
  document: FfprobeDocument,
  found: { readonly stderr: string; readonly encrypted: boolean },
): { stream: FfprobeStream; notices: Notice[] } {
  const videos = document.streams.filter(isVideo);
  if (videos.length === 0) {
    throw new UpscaleError(
      'SOURCE_NO_VIDEO',
      `${file} has no video to upscale, only ${listKinds(document)}.`,
      {
        hint: 'Give a file with a picture track.',
      },
    );
  }
  if (found.encrypted || isEncrypted(document, found.stderr)) {
    throw new UpscaleError('SOURCE_ENCRYPTED', `${file} is protected by DRM and cannot be decoded.`, {
      hint: 'Use a copy without protection.',
    });
  }
  const stream = videos.find(hasPicture);
  if (stream === undefined) {
    const [first] = videos;
    throw new UpscaleError(
      'SOURCE_UNREADABLE',
      first?.codec_name === undefined || first.codec_name === 'none'
        ? `${file} has a video track in a format (${first?.codec_tag_string ?? 'unknown'}) that ffmpeg cannot decode.`
        : `${file} names a ${first.codec_name} track, but holds no picture of it that can be decoded.`,
      {
        hint: 'The file is cut off or damaged; copy it again from where it came.',
        details: readLastWords(found.stderr),
      },
    );
  }
  const notices: Notice[] = [];
  if (videos.length > 1) {
    notices.push({
      level: 'warning',
      code: 'further-video',
      message: `The file has ${String(videos.length)} video tracks; stream ${String(stream.index)} is upscaled.`,
    });
  }
  return { stream, notices };
}

function isVideo({ codec_type, disposition }: FfprobeStream): boolean {
  return codec_type === 'video' && disposition['attached_pic'] !== 1 && disposition['timed_thumbnails'] !== 1;
}

function hasPicture(stream: FfprobeStream): boolean {
  return (stream.width ?? 0) > 0 && (stream.height ?? 0) > 0 && stream.pix_fmt !== undefined;
}

function listKinds(document: FfprobeDocument): string {
  const kinds = document.streams.map(({ codec_type }) =>
    codec_type === 'video' ? 'a cover picture' : codec_type === 'subtitle' ? 'subtitles' : codec_type,
  );
  return [...new Set(kinds)].map((kind) => kind ?? 'unknown data').join(' and ') || 'nothing';
}

/** Tags of Windows Media, sample entries of MPEG common encryption and FairPlay, and what ffmpeg says of them. */
function isEncrypted(document: FfprobeDocument, stderr: string): boolean {
  const tags = Object.keys(document.format?.tags ?? {});
  return (
    tags.some((tag) => /^(asf_.*protect|wm\/drm|drmheader)/i.test(tag)) ||
    document.streams.some(
      ({ codec_tag_string }) => codec_tag_string === 'encv' || codec_tag_string === 'drmi',
    ) ||
    /DRM protected|encrypted/i.test(stderr)
  );
}
