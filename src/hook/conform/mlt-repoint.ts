import path from 'node:path';
import type { Rational } from '../../core/rational.ts';
import type { EditList } from './edit-list.ts';
import { attachedTo, effectRange, findProperty, lengthOf, readProperty, type MltMedia } from './mlt-clips.ts';
import { moveMarkers } from './mlt-bin.ts';
import { formatPosition, parsePosition, scaleNumbers } from './mlt-values.ts';
import type { Piece } from './timeline.ts';
import { editAttribute, editText, readAttribute, removeElement, type XmlElement } from './xml-tree.ts';

export interface Move {
  /** Positions that everything moves towards the start. */
  readonly shift: number;
  readonly rate: Rational;
  readonly piece: Piece;
}

/** What a producer knows of the old file: it is found out anew. Fields, for one, the new file has none of. */
const OF_THE_FILE =
  /^(meta\.(media|attr)\..*|kdenlive:(file_hash|file_size|proxy|originalurl|duration|clip_length|control_uuid|zone_in|zone_out)|shotcut:hash|aspect_ratio|force_progressive|force_tff|progressive|top_field_first|seekable|creation_time|format)$/;

/** Makes a producer play the piece. */
export function repointMedia(
  edits: EditList,
  source: string,
  media: MltMedia,
  { piece, shift, rate, base }: Move & { readonly base: string | null },
): void {
  const { element } = media;
  const written = base === null ? piece.path : path.relative(base, piece.path);
  const length = lengthOf(media, piece, rate);
  const warped = readProperty(element, 'mlt_service') === 'timewarp';
  const resource = readProperty(element, 'resource') ?? '';
  const speed = resource.slice(0, resource.indexOf(':') + 1);
  const values: Record<string, string> = {
    resource: warped ? speed + written : written,
    warp_resource: written,
    video_index: '0',
  };
  for (const property of element.children.filter(({ name }) => name === 'property')) {
    const name = readAttribute(property, 'name') ?? '';
    const value = property.text.trim();
    if (OF_THE_FILE.test(name)) {
      removeElement(edits, source, property);
    } else if (name === 'kdenlive:markers') {
      const moved = moveMarkers(property.text, shift, length);
      if (moved !== null) editText(edits, property, moved);
    } else if (name === 'length') {
      editText(edits, property, formatPosition(length, rate, value));
    } else if (name === 'audio_index') {
      const track = piece.source.audioIndices.indexOf(Number(value));
      if (track >= 0) editText(edits, property, String(1 + track));
    } else if (name === 'video_index' && Number(value) < 0) {
      continue;
    } else if (name === 'force_aspect_ratio') {
      const own =
        piece.source.displayWidth / piece.source.width / (piece.source.displayHeight / piece.source.height);
      editText(edits, property, String(Number((Number(value) / own).toFixed(6))));
    } else if (values[name] !== undefined) {
      editText(edits, property, values[name]);
    }
  }
  for (const name of ['in', 'out'] as const) {
    const text = readAttribute(element, name);
    const position = text === undefined ? null : parsePosition(text, rate);
    if (text === undefined || position === null) continue;
    const moved = Math.max(0, Math.min(position - shift, length - 1));
    if (moved !== position) editAttribute(edits, element, name, formatPosition(moved, rate, text));
  }
  moveEffects(edits, attachedTo(element), { shift, rate, piece });
}

/** Moves effects with the clip that they are attached to, and scales those that count in the media's own pixels. */
export function moveEffects(
  edits: EditList,
  effects: readonly XmlElement[],
  { shift, rate, piece }: Move,
): void {
  for (const effect of effects) {
    const range = effectRange(effect, rate);
    for (const name of ['in', 'out'] as const) {
      const position = range[name];
      if (position === null || position === 0 || shift === 0) continue;
      const moved = Math.max(0, position - shift);
      const property = findProperty(effect, name);
      const attribute = readAttribute(effect, name);
      if (attribute !== undefined) editAttribute(edits, effect, name, formatPosition(moved, rate, attribute));
      else if (property !== undefined) editText(edits, property, formatPosition(moved, rate, property.text));
    }
    if (readProperty(effect, 'mlt_service') === 'crop' && readProperty(effect, 'use_profile') !== '1') {
      scaleCrop(edits, effect, piece);
    }
  }
}

function scaleCrop(edits: EditList, effect: XmlElement, { source, width, height }: Piece): void {
  const factors = {
    left: width / source.width,
    right: width / source.width,
    top: height / source.height,
    bottom: height / source.height,
  };
  for (const [name, factor] of Object.entries(factors)) {
    const property = findProperty(effect, name);
    const scaled = property === undefined ? null : scaleNumbers(property.text, factor);
    if (property !== undefined && scaled !== null) editText(edits, property, scaled);
  }
}
