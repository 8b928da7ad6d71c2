/** Warnings that tell of lost or damaged pictures, though ffmpeg ranks them below errors. */
const DAMAGE = /corrupt|truncat|partial file|concealing|missing|invalid data|prematurely|broken/i;

/** Messages that sound bad and take no picture away. */
const HARMLESS =
  /deprecated|Last message repeated|Late SEI|Guessed|monoton|QT chapter track|codec parameters|unspecified size|analyzeduration|edit list|Output file is empty|Conversion failed/i;

/**
 * The complaint about the source that a line of ffmpeg's stderr is (`-v level+warning`), without its prefixes; null for anything else.
 */
export function readComplaint(line: string): string | null {
  const [, prefix = '', text = ''] = /^((?:\[[^\]]*\] ?)*)(.*)$/.exec(line) ?? [];
  const level = /\[(warning|error|fatal|panic)\]/.exec(prefix)?.[1];
  if (level === undefined || text === '' || HARMLESS.test(text)) return null;
  // Addresses and offsets would make each of a thousand lines one of its own.
  return level !== 'warning' || DAMAGE.test(text) ? text.trim() : null;
}
