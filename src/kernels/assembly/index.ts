// The kernels' module. Everything works on addresses in the lane's arena; the first 64 KiB are the kernels' scratch.
export { resampleBytes } from './resample-bytes';
export { resampleFloats } from './resample-floats';
export { copyRows, copyRowsPadded } from './copy';
export { blendPlane } from './blend';
export { measureBlocks } from './noise';
