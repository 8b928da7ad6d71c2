// Where the kernels keep what lives no longer than one call: page 0 of the memory, which the arena never hands out.

/** Addresses of the rows that a vertical pass combines: up to 4096 of 4 bytes. */
export const ROW_POINTERS: usize = 4096;
/** One vector of results that reach past the end of a row. */
export const TAIL: usize = 1024;
