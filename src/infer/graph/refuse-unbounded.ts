import type { OnnxGraph, OnnxModel, OnnxNode } from './onnx-model.ts';

/** Operators that run a part of the graph as often as a number in the file says: their cost cannot be known before they end. */
const REPEATING = new Set(['Loop', 'Scan']);
/** Nodes that a graph may have once its functions are written out where they are called. The largest networks have a few thousand. */
const MOST_NODES = 200_000;

/**
 * Refuses graphs whose run could be without end, or which grow without end when functions that call functions are written out. Throws an
 * `Error` that says why.
 */
export function refuseUnbounded(model: OnnxModel): void {
  const functions = new Map((model.functions ?? []).map((body) => [nameFunction(body, body.name), body]));
  const sizes = new Map<string, number>();

  const countNodes = (nodes: readonly OnnxNode[]): number =>
    nodes.reduce((sum, node) => sum + countNode(node), 0);
  const countNode = (node: OnnxNode): number => {
    if (REPEATING.has(node.opType)) throw new Error(`it repeats a part of itself (${node.opType})`);
    const inner = listGraphs(node).reduce((sum, graph) => sum + countNodes(graph.node), 1);
    const called = nameFunction(node, node.opType);
    return functions.has(called) ? inner + countFunction(called) : inner;
  };
  const countFunction = (name: string): number => {
    const known = sizes.get(name);
    // A function that is being counted calls itself.
    if (known !== undefined) return known;
    sizes.set(name, Infinity);
    const size = countNodes(functions.get(name)?.node ?? []);
    sizes.set(name, size);
    return size;
  };
  if (countNodes(model.graph.node) > MOST_NODES) throw new Error('its functions call each other without end');
}

function nameFunction(
  { domain = '', overload = '' }: { readonly domain?: string; readonly overload?: string },
  name: string,
): string {
  return `${domain}:${name}:${overload}`;
}

function listGraphs(node: OnnxNode): OnnxGraph[] {
  return node.attribute.flatMap(({ g, graphs }) => [...(g == null ? [] : [g]), ...(graphs ?? [])]);
}
