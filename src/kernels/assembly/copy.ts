// Copies of rectangles between planes with rows of any stride.

export function copyRows(
  source: usize,
  sourceStride: usize,
  target: usize,
  targetStride: usize,
  rowBytes: usize,
  rows: i32,
): void {
  for (let y = 0; y < rows; y++) {
    memory.copy(target, source, rowBytes);
    source += sourceStride;
    target += targetStride;
  }
}

/** Copies a tightly packed plane into a larger one and repeats its last column and row there. */
export function copyRowsPadded(
  source: usize,
  width: i32,
  height: i32,
  target: usize,
  targetWidth: i32,
  targetHeight: i32,
  bytesPerSample: i32,
): void {
  const rowBytes = <usize>width * bytesPerSample;
  const targetBytes = <usize>targetWidth * bytesPerSample;
  for (let y = 0; y < targetHeight; y++) {
    const row = target + <usize>y * targetBytes;
    if (y >= height) {
      memory.copy(row, row - targetBytes, targetBytes);
      continue;
    }
    memory.copy(row, source + <usize>y * rowBytes, rowBytes);
    if (bytesPerSample == 1) {
      const last = load<u8>(row + rowBytes - 1);
      memory.fill(row + rowBytes, last, targetBytes - rowBytes);
    } else {
      const last = load<u16>(row + rowBytes - 2);
      for (let x = rowBytes; x < targetBytes; x += 2) store<u16>(row + x, last);
    }
  }
}
