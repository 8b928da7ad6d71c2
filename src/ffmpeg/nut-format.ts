/**
 * The parts of the NUT container (https://www.ffmpeg.org/~michael/nut.txt) that reader and writer share. NUT carries raw frames with
 * exact timestamps through a pipe, in both directions; plain `rawvideo` loses them.
 */

export const FILE_ID = Buffer.from('nut/multimedia container\0', 'latin1');

/** Start codes: `N`, the packet's letter, and six bytes that make a clash with data unlikely. */
export const START_CODES = {
  main: 0x4e4d7a561f5f04adn,
  stream: 0x4e5311405bf2f9dbn,
  syncpoint: 0x4e4be4adeeca4569n,
  index: 0x4e58dd672f23e64en,
  info: 0x4e49ab68b596ba78n,
} as const;

export const FLAGS = {
  key: 1,
  codedPts: 8,
  streamId: 16,
  sizeMsb: 32,
  checksum: 64,
  reserved: 128,
  sideData: 256,
  headerIndex: 1024,
  matchTime: 2048,
  coded: 4096,
  invalid: 8192,
} as const;

/** A header longer than this has a checksum of its own. */
export const HEADER_CHECKSUM_ABOVE = 4096;

/** CRC-32 with polynomial 0x04C11DB7, most significant bit first, starting at 0: NUT's checksum. */
const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 24;
  for (let bit = 0; bit < 8; bit++) crc = crc & 0x80000000 ? (crc << 1) ^ 0x04c11db7 : crc << 1;
  return crc >>> 0;
});

export function checksum(data: Uint8Array): number {
  let crc = 0;
  for (const byte of data) crc = ((crc << 8) ^ (CRC_TABLE[((crc >>> 24) ^ byte) & 255] ?? 0)) >>> 0;
  return crc;
}
