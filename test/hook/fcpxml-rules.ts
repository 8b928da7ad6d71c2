import { walkXml, type XmlElement } from '../../src/hook/conform/xml-tree.ts';

/** What the document type definition of FCPXML 1.8 to 1.11 allows in an element: its attributes, and its children in their order. */
interface Rule {
  /** Needed ones end with `!`. */
  readonly attributes: string;
  /** A regular expression over the names of the children, each followed by a space. */
  readonly content: string;
}

const PLACE = 'lane offset';
const CLIP = `${PLACE} name start duration! enabled`;
const TIMING = '(conform-rate )?(timeMap )?';
const PICTURE =
  '(object-tracker )?(adjust-crop )?(adjust-corners )?(adjust-conform )?(adjust-transform )?(adjust-blend )?(adjust-stabilization )?(adjust-rollingShutter )?(adjust-360-transform )?(adjust-reorient )?(adjust-orientation )?(adjust-cinematic )?';
const SOUND = '(adjust-volume )?(adjust-panner )?';
const ANCHORED = '((audio|video|clip|title|caption|mc-clip|ref-clip|sync-clip|asset-clip|audition|spine) )*';
const ITEM = '(audio|video|clip|title|mc-clip|ref-clip|sync-clip|asset-clip|audition|gap) ';
const MARKERS = '((marker|chapter-marker|rating|keyword|analysis-marker) )*';
const FILTERS = '((filter-video|filter-video-mask) )*(filter-audio )*';
const MEDIA = 'format! duration tcStart tcFormat renderFormat';

const RULES: Readonly<Record<string, Rule>> = {
  fcpxml: { attributes: 'version!', content: '(import-options )?(resources )?((library )?|(event )*)' },
  resources: { attributes: '', content: '((asset|effect|format|media|locator) )*' },
  library: { attributes: 'location colorProcessing', content: '((event|smart-collection) )*' },
  event: {
    attributes: 'name uid',
    content:
      '((clip|audition|mc-clip|ref-clip|sync-clip|asset-clip|project|keyword-collection|collection-folder|smart-collection) )*',
  },
  project: { attributes: 'name uid id modDate', content: 'sequence ' },
  format: {
    attributes:
      'id! name frameDuration fieldOrder width height paspH paspV colorSpace projection stereoscopic heroEye',
    content: '',
  },
  // Before version 1.9 the file was an attribute.
  asset: {
    attributes:
      'id! name uid src start duration hasVideo format hasAudio videoSources audioSources audioChannels audioRate customLUTOverride colorSpaceOverride projectionOverride stereoscopicOverride auxVideoFlags heroEyeOverride',
    content: '((media-rep )+|(bookmark )?)(metadata )?',
  },
  'media-rep': { attributes: 'kind sig src! suggestedFilename', content: '(bookmark )?' },
  media: { attributes: 'id! name uid projectRef modDate', content: '(multicam |sequence )?' },
  sequence: { attributes: `${MEDIA} audioLayout audioRate keywords`, content: '(note )?spine (metadata )?' },
  multicam: { attributes: MEDIA, content: '(mc-angle )*(metadata )?' },
  'mc-angle': { attributes: 'name angleID!', content: `((${ITEM})|transition )*` },
  spine: { attributes: `${PLACE} name format`, content: `((${ITEM})|transition )*` },
  'asset-clip': {
    attributes: `ref! ${CLIP.replace('!', '')} srcEnable audioStart audioDuration format tcStart tcFormat modDate audioRole videoRole`,
    content: `(note )?${TIMING}${PICTURE}${SOUND}${ANCHORED}${MARKERS}(audio-channel-source )*${FILTERS}(metadata )?`,
  },
  clip: {
    attributes: `${CLIP} format audioStart audioDuration tcStart tcFormat modDate`,
    content: `(note )?${TIMING}${PICTURE}${SOUND}(spine |caption |${ITEM})*${MARKERS}(audio-channel-source )*${FILTERS}(metadata )?`,
  },
  'sync-clip': {
    attributes: `${CLIP} format audioStart audioDuration tcStart tcFormat modDate`,
    content: `(note )?${TIMING}${PICTURE}${SOUND}(spine |caption |${ITEM})*${MARKERS}(sync-source )*${FILTERS}(metadata )?`,
  },
  'ref-clip': {
    attributes: `ref! ${CLIP} srcEnable audioStart audioDuration useAudioSubroles modDate`,
    content: `(note )?${TIMING}${PICTURE}${SOUND}${ANCHORED}${MARKERS}(audio-role-source )*${FILTERS}(metadata )?`,
  },
  'mc-clip': {
    attributes: `ref! ${CLIP} srcEnable audioStart audioDuration modDate`,
    content: `(note )?${TIMING}${SOUND}(mc-source )*${ANCHORED}${MARKERS}(filter-audio )*(metadata )?`,
  },
  video: {
    attributes: `ref! ${CLIP} srcID role`,
    content: `(param )*(note )?${TIMING}${PICTURE}${ANCHORED}${MARKERS}((filter-video|filter-video-mask) )*(reserved )?`,
  },
  audio: {
    attributes: `ref! ${CLIP} srcID role srcCh outCh`,
    content: `(note )?${TIMING}(adjust-volume )?${ANCHORED}${MARKERS}(filter-audio )*`,
  },
  gap: {
    attributes: 'name offset start duration! enabled',
    content: `(note )?${ANCHORED}${MARKERS}(metadata )?`,
  },
  transition: {
    attributes: 'name offset duration!',
    content: `(filter-video )?(filter-audio )?${MARKERS}(metadata )?(reserved )?`,
  },
  'adjust-conform': { attributes: 'type', content: '' },
  'adjust-transform': {
    attributes: 'enabled position scale rotation anchor tracking',
    content: '(param )*',
  },
  'conform-rate': { attributes: 'scaleEnabled srcFrameRate frameSampling', content: '' },
  timeMap: { attributes: 'frameSampling preservesPitch', content: '(timept )*' },
  timept: { attributes: 'time! value! interp inTime outTime', content: '' },
};

const TIME = /^-?\d+(\/[1-9]\d*)?s$/;
const TIMES = new Set([
  'start',
  'duration',
  'offset',
  'tcStart',
  'frameDuration',
  'audioStart',
  'audioDuration',
  'time',
]);
const REFERENCES = new Set(['ref', 'format']);

/**
 * What in a document is against the document type definition of FCPXML, as far as elements go that conforming may touch: attributes and
 * order of children, times as fractions of seconds, identifiers once each, references to what is there.
 */
export function findFaults(root: XmlElement): string[] {
  const faults: string[] = [];
  const elements = [...walkXml(root)];
  const ids = elements.flatMap((element) => element.attributes.get('id')?.value ?? []);
  for (const id of ids.filter((entry, index) => ids.indexOf(entry) !== index))
    faults.push(`${id} is there twice`);
  for (const { name, attributes, children } of elements) {
    for (const [attribute, { value }] of attributes) {
      if (TIMES.has(attribute) && !TIME.test(value))
        faults.push(`${name} ${attribute}="${value}" is no time`);
      if (REFERENCES.has(attribute) && name !== 'text-style' && !ids.includes(value))
        faults.push(`${name} ${attribute}="${value}" is not there`);
    }
    const rule = RULES[name];
    if (rule === undefined) continue;
    const allowed = rule.attributes.split(' ').filter((entry) => entry !== '');
    for (const attribute of attributes.keys()) {
      if (!allowed.some((entry) => entry.replace('!', '') === attribute))
        faults.push(`${name} has ${attribute}`);
    }
    for (const needed of allowed.filter((entry) => entry.endsWith('!'))) {
      if (!attributes.has(needed.slice(0, -1))) faults.push(`${name} lacks ${needed.slice(0, -1)}`);
    }
    const order = children.map((child) => `${child.name} `).join('');
    if (!new RegExp(`^(?:${rule.content})$`).test(order)) faults.push(`${name} holds ${order}`);
  }
  return faults;
}
