/** One entry of a media playlist. */
export interface PlaylistEntry {
  readonly uri: string;
  /** Seconds. */
  readonly duration: number;
}

/** Writes a media playlist of a whole video (RFC 8216, 4.3.3). Pure. */
export function writeMediaPlaylist(init: string, entries: readonly PlaylistEntry[]): string {
  const longest = Math.ceil(Math.max(1, ...entries.map(({ duration }) => duration)));
  return [
    '#EXTM3U',
    '#EXT-X-VERSION:7',
    `#EXT-X-TARGETDURATION:${String(longest)}`,
    '#EXT-X-MEDIA-SEQUENCE:0',
    '#EXT-X-PLAYLIST-TYPE:VOD',
    '#EXT-X-INDEPENDENT-SEGMENTS',
    `#EXT-X-MAP:URI="${init}"`,
    ...entries.flatMap(({ uri, duration }) => [`#EXTINF:${duration.toFixed(6)},`, uri]),
    '#EXT-X-ENDLIST',
    '',
  ].join('\n');
}

/** What a master playlist tells of its one picture stream. */
export interface MasterEntry {
  readonly video: string;
  /** Null where the source has no sound. */
  readonly audio: string | null;
  readonly width: number;
  readonly height: number;
  readonly frameRate: number | null;
  /** RFC 6381. */
  readonly codec: string;
  /** Bits a second, at most. */
  readonly bandwidth: number;
}

/** Writes a master playlist of one picture stream and its sound (RFC 8216, 4.3.4). Pure. */
export function writeMasterPlaylist(entry: MasterEntry): string {
  const { video, audio, width, height, frameRate, codec, bandwidth } = entry;
  const attributes = [
    `BANDWIDTH=${String(bandwidth)}`,
    `CODECS="${[codec, ...(audio === null ? [] : ['fLaC'])].join(',')}"`,
    `RESOLUTION=${String(width)}x${String(height)}`,
    ...(frameRate === null ? [] : [`FRAME-RATE=${frameRate.toFixed(3)}`]),
    ...(audio === null ? [] : ['AUDIO="sound"']),
  ];
  return [
    '#EXTM3U',
    '#EXT-X-VERSION:7',
    '#EXT-X-INDEPENDENT-SEGMENTS',
    ...(audio === null
      ? []
      : [`#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="sound",NAME="Sound",DEFAULT=YES,AUTOSELECT=YES,URI="${audio}"`]),
    `#EXT-X-STREAM-INF:${attributes.join(',')}`,
    video,
    '',
  ].join('\n');
}
