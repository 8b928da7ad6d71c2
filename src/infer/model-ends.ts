import { UpscaleError } from '../core/errors.ts';
import { ONNX_TYPE, toInteger, type OnnxModel, type OnnxValueInfo } from './graph/onnx-model.ts';
import type { ModelFacts } from './infer-plan.ts';

/** What a graph says of its ends by itself. */
export interface ModelEnds {
  readonly input: string;
  readonly output: string;
  readonly elemType: number;
  readonly elementType: ModelFacts['elementType'];
  /** The layouts and channel counts that the declared shape allows, likeliest first. */
  readonly candidates: readonly Pick<ModelFacts, 'layout' | 'channels'>[];
  /** Declared sizes by axis; null for free ones. */
  readonly dims: readonly (number | null)[];
}

const CHANNELS = [3, 1, 4] as const;
/** Samples of the largest input that a graph may fix, an 8K frame: trying anything larger out could take all memory. */
const MOST_FIXED_SAMPLES = 7680 * 4320;

/** Reads the ends of a graph. Throws `MODEL_INVALID`, with the reason, for what cannot be an upscaler of single frames. */
export function readEnds(model: OnnxModel, file: string): ModelEnds {
  const { graph } = model;
  const weights = new Set(graph.initializer.map(({ name }) => name));
  const inputs = graph.input.filter(({ name }) => !weights.has(name));
  const [input] = inputs;
  if (input === undefined || inputs.length > 1) {
    const names = inputs.map(({ name }) => name).join(', ');
    throw refuse(file, `it takes ${inputs.length} inputs (${names}) instead of one picture`);
  }
  const type = input.type?.tensorType;
  const elementType = nameElement(type?.elemType);
  if (elementType === null || type == null) {
    throw refuse(file, `its input ${input.name} holds elements of a kind that no picture has`);
  }
  const dims = readDims(input);
  if (dims !== null && dims.length !== 4) {
    throw refuse(file, `its input ${input.name} has ${dims.length} dimensions; a picture has 4`);
  }
  const output = graph.output.find((end) => (readDims(end)?.length ?? 4) === 4);
  if (output === undefined) throw refuse(file, 'it gives no picture: none of its outputs has 4 dimensions');
  const outputType = output.type?.tensorType?.elemType;
  if (outputType !== undefined && outputType !== type.elemType) {
    throw refuse(file, 'its input and its output hold elements of different kinds');
  }
  const shape = dims ?? [null, null, null, null];
  if (shape[0] !== null && shape[0] !== 1) {
    throw refuse(file, `it takes ${shape[0] ?? 0} pictures at a time; one is what is needed`);
  }
  if (shape.reduce<number>((product, dim) => product * (dim ?? 1), 1) > 4 * MOST_FIXED_SAMPLES) {
    throw refuse(
      file,
      `it fixes its input to ${shape.map((dim) => dim ?? 'any').join('x')}, more than an 8K frame`,
    );
  }
  return {
    input: input.name,
    output: output.name,
    elemType: type.elemType,
    elementType,
    candidates: listCandidates(shape, file),
    dims: shape,
  };
}

/** Operators that give other numbers each time, so that a frame would depend on which frames were run before it. */
const RANDOM = /^(Random(Normal|Uniform)(Like)?|Bernoulli|Multinomial)$/;

/** Throws `MODEL_INVALID` for a graph that draws random numbers, as diffusion networks do that make their own noise. */
export function refuseRandom({ graph }: OnnxModel, file: string): void {
  const found = graph.node.find(({ opType }) => RANDOM.test(opType));
  if (found === undefined) return;
  throw refuse(
    file,
    `it draws random numbers (${found.opType}), so a frame would never come out the same twice`,
  );
}

export function refuse(file: string, reason: string, cause?: unknown): UpscaleError {
  return new UpscaleError('MODEL_INVALID', `${file} is no upscaler of single frames: ${reason}.`, {
    ...(cause === undefined ? {} : { cause }),
    hint: 'A model that fits takes one picture of 1, 3 or 4 channels and gives a larger one.',
  });
}

function listCandidates(shape: readonly (number | null)[], file: string): ModelEnds['candidates'] {
  const [, second = null, , fourth = null] = shape;
  const first = CHANNELS.filter((channels) => second === null || second === channels);
  if (second !== null && first.length > 0) return first.map((channels) => ({ layout: 'NCHW', channels }));
  const last = CHANNELS.filter((channels) => fourth === null || fourth === channels);
  if (fourth !== null && last.length > 0) return last.map((channels) => ({ layout: 'NHWC', channels }));
  if (second !== null) {
    throw refuse(
      file,
      `its input has ${second} channels${second > 4 && second % 3 === 0 ? ` (${second / 3} frames at a time?)` : ''}`,
    );
  }
  return [
    ...first.map((channels) => ({ layout: 'NCHW', channels }) as const),
    ...(fourth === null ? last.map((channels) => ({ layout: 'NHWC', channels }) as const) : []),
  ];
}

function readDims(end: OnnxValueInfo): (number | null)[] | null {
  const shape = end.type?.tensorType?.shape;
  if (shape == null) return null;
  return shape.dim.map(({ dimValue }) => {
    const value = dimValue == null ? 0 : toInteger(dimValue);
    return value > 0 ? value : null;
  });
}

function nameElement(type: number | undefined): ModelFacts['elementType'] | null {
  switch (type) {
    case ONNX_TYPE.float:
      return 'float32';
    case ONNX_TYPE.float16:
      return 'float16';
    case ONNX_TYPE.uint8:
      return 'uint8';
    case ONNX_TYPE.uint16:
      return 'uint16';
    default:
      return null;
  }
}
