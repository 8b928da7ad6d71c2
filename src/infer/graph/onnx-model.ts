import { createRequire } from 'node:module';
import type protobuf from 'protobufjs';
import { ONNX_SCHEMA } from './onnx-schema.ts';

/** A 64-bit integer as protobufjs gives it. */
type Int64 = number | { toNumber(): number };

/** `TensorProto`. Fields that nobody here reads are kept all the same. */
export interface OnnxTensor {
  name: string;
  dims: Int64[];
  dataType: number;
  rawData?: Uint8Array;
  floatData?: number[];
  int32Data?: number[];
  int64Data?: Int64[];
  externalData?: { key: string; value: string }[];
  /** 1: the numbers lie in another file. */
  dataLocation?: number;
}

/** `AttributeProto`. */
export interface OnnxAttribute {
  name: string;
  /** `AttributeProto.AttributeType`. */
  type: number;
  f?: number;
  i?: Int64;
  s?: Uint8Array;
  t?: OnnxTensor | null;
  g?: OnnxGraph | null;
  graphs?: OnnxGraph[];
  tensors?: OnnxTensor[];
  floats?: number[];
  ints?: Int64[];
}

/** `NodeProto`. */
export interface OnnxNode {
  name?: string;
  opType: string;
  domain?: string;
  overload?: string;
  input: string[];
  output: string[];
  attribute: OnnxAttribute[];
}

/** `TensorShapeProto.Dimension`. */
export interface OnnxDimension {
  dimValue?: Int64;
  dimParam?: string;
}

/** `ValueInfoProto` of a tensor. */
export interface OnnxValueInfo {
  name: string;
  type?: {
    tensorType?: { elemType: number; shape?: { dim: OnnxDimension[] } | null } | null;
  } | null;
}

/** `GraphProto`. */
export interface OnnxGraph {
  name?: string;
  node: OnnxNode[];
  initializer: OnnxTensor[];
  sparseInitializer?: { values?: OnnxTensor | null; indices?: OnnxTensor | null }[];
  input: OnnxValueInfo[];
  output: OnnxValueInfo[];
  valueInfo: OnnxValueInfo[];
}

/** `ModelProto`. */
export interface OnnxModel {
  irVersion: Int64;
  opsetImport: { domain?: string; version: Int64 }[];
  graph: OnnxGraph;
  /** `FunctionProto`: operators that the file itself defines. */
  functions?: { name: string; domain?: string; overload?: string; node: OnnxNode[] }[];
}

/** `TensorProto.DataType`, those that pictures and weights come in. */
export const ONNX_TYPE = { float: 1, uint8: 2, uint16: 4, int64: 7, float16: 10, bfloat16: 16 } as const;

let modelType: protobuf.Type | undefined;

function findModelType(): protobuf.Type {
  // Loading the library and its reading of the schema take longer than opening a small network; a start from the cache needs neither.
  modelType ??= (createRequire(import.meta.url)('protobufjs') as typeof protobuf)
    .parse(ONNX_SCHEMA)
    .root.lookupType('onnx.ModelProto');
  return modelType;
}

/** Reads a `ModelProto`. Throws an `Error` that says what is wrong where the bytes are none. */
export function readOnnx(bytes: Uint8Array): OnnxModel {
  const model = findModelType().decode(bytes) as unknown as { graph?: OnnxGraph | null } & OnnxModel;
  const graph = model.graph as OnnxGraph | null | undefined;
  if (graph === null || graph === undefined || graph.node.length === 0) {
    throw new Error('it holds no ONNX graph');
  }
  return model;
}

/** Writes a `ModelProto`. */
export function writeOnnx(model: OnnxModel): Uint8Array {
  return findModelType().encode(model).finish();
}

export function toInteger(value: Int64): number {
  return typeof value === 'number' ? value : value.toNumber();
}

/** Version of the standard operators that the graph was written for; 1 where the file does not say. */
export function readOpset(model: OnnxModel): number {
  const standard = model.opsetImport.find(
    ({ domain }) => domain === undefined || domain === '' || domain === 'ai.onnx',
  );
  return standard === undefined ? 1 : toInteger(standard.version);
}

export function findAttribute(node: OnnxNode, name: string): OnnxAttribute | undefined {
  return node.attribute.find((attribute) => attribute.name === name);
}

/** An integer attribute of `node`, or `fallback`. */
export function readInteger(node: OnnxNode, name: string, fallback: number): number {
  const value = findAttribute(node, name)?.i;
  return value === undefined ? fallback : toInteger(value);
}

/** Makes a node; numbers become integer attributes, lists lists of integers. */
export function makeNode(
  opType: string,
  input: string[],
  output: string[],
  attributes: Readonly<Record<string, number | readonly number[]>> = {},
): OnnxNode {
  return {
    name: `upreel/${output[0] ?? opType}`,
    opType,
    input,
    output,
    attribute: Object.entries(attributes).map(([name, value]) =>
      typeof value === 'number' ? { name, type: 2, i: value } : { name, type: 7, ints: [...value] },
    ),
  };
}

/** Describes a tensor at a graph's end; text dimensions are free ones. */
export function makeValueInfo(
  name: string,
  elemType: number,
  dimensions: readonly (number | string)[],
): OnnxValueInfo {
  return {
    name,
    type: {
      tensorType: {
        elemType,
        shape: {
          dim: dimensions.map((value) =>
            typeof value === 'number' ? { dimValue: value } : { dimParam: value },
          ),
        },
      },
    },
  };
}
