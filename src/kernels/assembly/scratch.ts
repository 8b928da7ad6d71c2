// Where the kernels keep what lives no longer than one call: page 0 of the memory, which the arena never hands out.

/** Addresses of the rows that a vertical pass combines: up to 4096 of 4 bytes. */
export const ROW_POINTERS: usize = 4096;
/** One vector of results that reach past the end of a row. */
export const TAIL: usize = 1024;
/** Surroundings of a block where they reach past the plane: 13 rows of 32 samples. */
export const PATCH_AT: usize = 24576;
/** Rows of a block after the first pass of its filter: 13 vectors. */
export const PATCH_ROWS: usize = 28672;
/** Gradients and samples of a window of motion: 8 lines of 48 bytes. */
export const GRADIENTS_AT: usize = 32768;
