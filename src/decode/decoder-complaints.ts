/** Warnings that tell of lost or damaged pictures, though ffmpeg ranks them below errors. */
const DAMAGE = /corrupt|truncat|partial file|concealing|missing|invalid data|prematurely|broken/i;

/** Messages that sound bad and take no picture away. */
const HARMLESS =
  /deprecated|Zero FPS specified|Last message repeated|Late SEI|Guessed|monoton|QT chapter track|codec parameters|unspecified size|analyzeduration|edit list|Output file is empty|Conversion failed|mmco: unref short failure|TemporalOffset \d+ = \d+, which is out of bounds/i;

/** Notes beside the pictures (SEI of H.264: clocks and buffers) that came before what they speak of, or are cut: pictures decode without them. */
const NOTES =
  /SPS \d+ referenced in buffering period|SPS unavailable in decode_picture_timing|^SEI type \d+/i;

/** What it says of its output when its reader has all the frames it wants and closes the pipe. */
const PIPE =
  /broken pipe|connection reset|^Error (writing trailer|closing file|muxing|submitting)|av_interleaved_write_frame/i;

/** Contexts of sound decoders, which are opened while the file is looked at. */
const SOUND = /^\[(mp[123]|mp3float|mp2float|aac|aac_latm|e?ac3|dca|vorbis|opus|flac|alac|amr|pcm|adpcm|wma)/;

/**
 * The complaint about the picture that a line of ffmpeg's stderr is (`-v level+warning`), without its prefixes; null for anything else,
 * such as complaints about other streams than `streamIndex`.
 */
export function readComplaint(line: string, streamIndex: number): string | null {
  const [, prefix = '', text = ''] = /^((?:\[[^\]]*\] ?)*)(.*)$/.exec(line) ?? [];
  const level = /\[(warning|error|fatal|panic)\]/.exec(prefix)?.[1];
  if (level === undefined || text === '' || SOUND.test(prefix)) return null;
  if ([HARMLESS, NOTES, PIPE].some((kind) => kind.test(text))) return null;
  const stream = /\bstream (?:= )?(?:#0:)?(\d+)/i.exec(text)?.[1];
  if (stream !== undefined && Number(stream) !== streamIndex) return null;
  return level !== 'warning' || DAMAGE.test(text) ? text.trim() : null;
}
