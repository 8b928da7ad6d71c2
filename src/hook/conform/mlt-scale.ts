import { toNumber } from '../../core/rational.ts';
import type { EditList } from './edit-list.ts';
import { findProperty, readProperty, type MltProfile } from './mlt-clips.ts';
import { findPixelProperties, MEDIA_SERVICES, TIME_SERVICES } from './mlt-services.ts';
import { scaleNumbers, scaleRectangles, type PixelScale } from './mlt-values.ts';
import type { Conformed } from './timeline.ts';
import { editAttribute, editText, readAttribute, walkXml, type XmlElement } from './xml-tree.ts';

/** Producers that fill the frame whatever its size, or are scaled to it. */
const FITTED_PRODUCERS =
  /^(colou?r|noise|black|tone|count|blank|pixbuf|qimage|kdenlivetitle|glaxnimate|xml|tractor)$/;

/**
 * Gives the sequence its new size, in square pixels and without fields, and scales what is counted in its pixels. Returns a sentence for
 * each thing that is kept without knowing whether it depends on the size.
 */
export function scaleProject(
  edits: EditList,
  root: XmlElement,
  profile: MltProfile,
  { width, height }: Pick<Conformed, 'width' | 'height'>,
): string[] {
  editProfile(edits, profile, width, height);
  const scale: PixelScale = { x: width / profile.width, y: height / profile.height };
  const kept = new Map<string, number>();
  for (const element of walkXml(root)) {
    const name = readProperty(element, 'kdenlive:docproperties.profile');
    const property = findProperty(element, 'kdenlive:docproperties.profile');
    // Kdenlive looks for the profile of this name first, and takes that of the file when there is none.
    if (name !== undefined && property !== undefined)
      editText(edits, property, `upreel_${String(width)}x${String(height)}`);
    if (element.name === 'consumer') count(kept, 'the consumer, with the size that it may ask for');
    const service = readProperty(element, 'mlt_service');
    if (service === undefined) continue;
    if (element.name === 'filter' || element.name === 'transition' || element.name === 'link') {
      if (!scaleService(edits, element, service, scale)) count(kept, `the ${element.name} ${service}`);
    } else if (
      element.name === 'producer' &&
      !MEDIA_SERVICES.includes(service) &&
      !FITTED_PRODUCERS.test(service)
    ) {
      if (!scaleService(edits, element, service, scale)) count(kept, `the producer ${service}`);
    }
  }
  return [...kept].map(
    ([what, times]) =>
      `Kept as it is: ${what}${times > 1 ? ` (${String(times)} times)` : ''}; have a look whether it counts in pixels.`,
  );
}

function count(kept: Map<string, number>, what: string): void {
  kept.set(what, (kept.get(what) ?? 0) + 1);
}

/** False where the service is not known. */
function scaleService(edits: EditList, element: XmlElement, service: string, scale: PixelScale): boolean {
  const known = findPixelProperties(service);
  if (known === null) {
    // The crop filter counts in the media's pixels and goes with the media, unless it says otherwise.
    if (service === 'crop') return scaleCropOfProfile(edits, element, scale);
    return TIME_SERVICES.includes(service);
  }
  let understood = true;
  const apply = (names: readonly string[] | undefined, map: (text: string) => string | null): void => {
    for (const name of names ?? []) {
      const property = findProperty(element, name);
      if (property === undefined || property.text.trim() === '') continue;
      const scaled = map(property.text);
      if (scaled === null) understood = false;
      else if (scaled !== property.text) editText(edits, property, scaled);
    }
  };
  apply(known.rectangles, (text) => scaleRectangles(text, scale));
  apply(known.across, (text) => scaleNumbers(text, scale.x));
  apply(known.down, (text) => scaleNumbers(text, scale.y));
  return understood;
}

function scaleCropOfProfile(edits: EditList, element: XmlElement, scale: PixelScale): boolean {
  if (readProperty(element, 'use_profile') !== '1') return true;
  for (const [name, factor] of Object.entries({
    left: scale.x,
    right: scale.x,
    top: scale.y,
    bottom: scale.y,
  })) {
    const property = findProperty(element, name);
    const scaled = property === undefined ? null : scaleNumbers(property.text, factor);
    if (property !== undefined && scaled !== null) editText(edits, property, scaled);
  }
  return true;
}

function editProfile(edits: EditList, { element, rate }: MltProfile, width: number, height: number): void {
  const divisor = greatestDivisor(width, height);
  const values: Readonly<Record<string, string>> = {
    width: String(width),
    height: String(height),
    progressive: '1',
    sample_aspect_num: '1',
    sample_aspect_den: '1',
    display_aspect_num: String(width / divisor),
    display_aspect_den: String(height / divisor),
  };
  for (const [name, value] of Object.entries(values)) {
    if (readAttribute(element, name) !== value) editAttribute(edits, element, name, value);
  }
  if (readAttribute(element, 'description') !== undefined) {
    const shown = Number(toNumber(rate).toFixed(3));
    editAttribute(edits, element, 'description', `${String(width)}x${String(height)} ${String(shown)} fps`);
  }
}

function greatestDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestDivisor(b, a % b);
}
