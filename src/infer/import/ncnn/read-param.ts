import { LayerParams, type ParamValue } from './layer-params.ts';

/** One line of a `.param` file: an operation, what it reads and what it writes. */
export interface NcnnLayer {
  readonly type: string;
  readonly name: string;
  readonly bottoms: readonly string[];
  readonly tops: readonly string[];
  readonly params: LayerParams;
}

const MAGIC = '7767517';
/** Older text files have no magic number and count other parameters. */
const OLD_COUNTS = /^\d+ \d+$/;
/** Arrays are written as `-233NN=length,value,...`, where NN is the parameter's number. */
const ARRAY_BASE = -23300;

/**
 * Reads the text of an ncnn `.param` file, layers in the order in which they run and in which the `.bin` holds their weights.
 * Format: https://github.com/Tencent/ncnn/wiki/param-and-model-file-structure. Throws an `Error` that says what is wrong.
 */
export function readParam(text: string): NcnnLayer[] {
  const lines = text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const [magic = '', counts = '', ...rest] = lines;
  if (magic !== MAGIC) {
    const isOld = OLD_COUNTS.test(magic);
    throw new Error(
      isOld
        ? 'it is of the format before 2017, which has no magic number'
        : `it does not start with ${MAGIC}`,
    );
  }
  const count = Number(counts.split(/\s+/)[0]);
  if (!Number.isSafeInteger(count) || count < 2) throw new Error('it does not say how many layers it has');
  if (rest.length !== count) throw new Error(`it promises ${count} layers and has ${rest.length}`);
  const layers = rest.map(readLayer);
  checkNames(layers);
  return layers;
}

function readLayer(line: string): NcnnLayer {
  const [type = '', name = '', bottomCount = '', topCount = '', ...rest] = line.split(/\s+/);
  const [bottoms, tops] = [Number(bottomCount), Number(topCount)];
  if (!Number.isSafeInteger(bottoms) || !Number.isSafeInteger(tops) || bottoms < 0 || tops < 0) {
    throw new Error(`its layer ${name || type} does not say what it reads and writes`);
  }
  if (rest.length < bottoms + tops) throw new Error(`the line of its layer ${name} is cut short`);
  const params = new Map(rest.slice(bottoms + tops).map((token) => readToken(token, name)));
  return {
    type,
    name,
    bottoms: rest.slice(0, bottoms),
    tops: rest.slice(bottoms, bottoms + tops),
    params: new LayerParams(name, params),
  };
}

function readToken(token: string, layer: string): [number, ParamValue] {
  const [, key = '', value = ''] = /^(-?\d+)=(.*)$/.exec(token) ?? [];
  const id = Number(key);
  const refusal = new Error(`it has a parameter of layer ${layer} that cannot be read (${token})`);
  if (key === '' || value === '') throw refusal;
  if (value.startsWith('"')) return [id, value.replaceAll('"', '')];
  const numbers = value.split(',').map(Number);
  if (numbers.some(Number.isNaN)) throw refusal;
  if (id > ARRAY_BASE) return [id, numbers.length > 1 ? numbers : (numbers[0] ?? 0)];
  const [length, ...values] = numbers;
  if (length !== values.length) throw refusal;
  return [ARRAY_BASE - id, values];
}

function checkNames(layers: readonly NcnnLayer[]): void {
  const known = new Set<string>();
  for (const { name, bottoms, tops } of layers) {
    const missing = bottoms.find((blob) => !known.has(blob));
    if (missing !== undefined) throw new Error(`its layer ${name} reads ${missing}, which nothing writes`);
    for (const blob of tops) {
      if (known.has(blob)) throw new Error(`two of its layers write ${blob}`);
      known.add(blob);
    }
  }
}
