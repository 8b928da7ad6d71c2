// The kernels' module. Everything works on addresses in the lane's arena; the first 64 KiB are the kernels' scratch.
export { resampleBytes } from './resample-bytes';
export { resampleFloats } from './resample-floats';
export { copyRows, copyRowsPadded } from './copy';
export { blendPlane } from './blend';
export { measureBlocks } from './noise';
export { halvePlane } from './pyramid';
export { measureMatch, searchBlocks } from './motion-search';
export { checkVectors, refineVectors } from './motion-refine';
export { warpPlane } from './warp';
export { addErrorWords, subtractWords } from './back-project';
