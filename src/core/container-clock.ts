/**
 * Whether the clock of a container (ffmpeg's name of the format) begins at zero by definition, however late its first stream begins; those of
 * transport and program streams, and of Ogg that was cut out of a broadcast, begin anywhere.
 */
export function beginsAtZero(format: string): boolean {
  return /^(mov|matroska|avi|gif|nut|flv|mxf|ivf|asf)/.test(format);
}
