/** `bt470` and `smpte170m` are both BT.601's coefficients. */
const MATRICES: Readonly<Record<string, string>> = {
  bt709: 'bt709',
  bt470bg: 'bt470',
  smpte170m: 'smpte170m',
  fcc: 'fcc',
  smpte240m: 'smpte240m',
  bt2020nc: 'bt2020',
  bt2020c: 'bt2020',
};

/** The name by which the `scale` filter of every ffmpeg knows a matrix in H.273's words; null for what it cannot convert. */
export function scaleMatrix(matrix: string): string | null {
  return MATRICES[matrix] ?? null;
}
