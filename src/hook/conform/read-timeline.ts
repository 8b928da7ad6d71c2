import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { UpscaleError } from '../../core/errors.ts';
import { readEdl } from './edl.ts';
import { readFcpxml } from './fcpxml.ts';
import { readMlt } from './mlt.ts';
import { readOtio } from './otio.ts';
import type { Timeline } from './timeline.ts';
import { parseXml } from './xml-tree.ts';

/**
 * Reads a timeline of any known format, told by its content.
 *
 * @throws UpscaleError `SOURCE_NOT_FOUND`, or `SOURCE_UNREADABLE` for what is no timeline
 */
export async function readTimeline(file: string): Promise<Timeline> {
  let source: string;
  try {
    // Final Cut's bundles hold the document and what it analysed.
    source = await readFile(/\.fcpxmld\/?$/i.test(file) ? path.join(file, 'Info.fcpxml') : file, 'utf8');
  } catch (error) {
    throw new UpscaleError('SOURCE_NOT_FOUND', `${file} cannot be read.`, {
      cause: error,
      hint: 'Check the path and its rights.',
    });
  }
  const start = source.replace(/^\uFEFF/, '').trimStart();
  if (start.startsWith('<')) {
    const root = parseXml(source, file);
    if (root.name === 'mlt') return readMlt(source, root, file);
    if (root.name === 'fcpxml') return readFcpxml(source, root, file);
  } else if (start.startsWith('{')) {
    return readOtio(source, file);
  } else if (/^(TITLE|FCM|\d{3,})\b/im.test(start)) {
    return readEdl(source, file);
  }
  throw new UpscaleError('SOURCE_UNREADABLE', `${file} is no timeline that Upreel knows.`, {
    hint: 'Give a project of Kdenlive or Shotcut (MLT XML), FCPXML, an OTIO file or a CMX3600 EDL.',
  });
}
