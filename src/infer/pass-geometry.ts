import type { ModelFacts } from './infer-plan.ts';

interface Size {
  readonly width: number;
  readonly height: number;
}

/** One tile along one axis, in input samples of a pass. */
export interface TileSpan {
  /** Where the tile starts. */
  readonly start: number;
  /** The part of it whose results are kept. */
  readonly from: number;
  readonly to: number;
}

/** How the planes of one pass are cut for the network. */
export interface PassGeometry {
  readonly source: Size;
  /** The source with its last column and row repeated, up to what the network takes. */
  readonly padded: Size;
  /** What the network is run on; the padded size where nothing is cut. */
  readonly tile: Size;
  readonly columns: readonly TileSpan[];
  readonly rows: readonly TileSpan[];
  readonly result: Size;
  readonly scale: number;
}

/** What of a network decides how it is cut. */
export type TiledNetwork = Pick<
  ModelFacts,
  'scale' | 'multiple' | 'fixedWidth' | 'fixedHeight' | 'receptiveRadius'
>;

/** Border of tiles of networks that look at the whole picture: no border makes theirs exact. */
export const BLIND_BORDER = 32;

/**
 * Cuts a pass into tiles of one size. Tiles stand on the network's grid and overlap by twice its receptive radius, so what is
 * kept of each depends on nothing outside of it: the result is the one that the whole frame would give.
 *
 * @param limit - Largest tile, border included; null for no limit.
 */
export function layOutPass(model: TiledNetwork, source: Size, limit: Size | null): PassGeometry {
  const horizontal = layOutAxis(model, source.width, model.fixedWidth, limit?.width ?? null);
  const vertical = layOutAxis(model, source.height, model.fixedHeight, limit?.height ?? null);
  return {
    source,
    padded: { width: horizontal.padded, height: vertical.padded },
    tile: { width: horizontal.tile, height: vertical.tile },
    columns: horizontal.spans,
    rows: vertical.spans,
    result: { width: source.width * model.scale, height: source.height * model.scale },
    scale: model.scale,
  };
}

/**
 * What tiles start on multiples of. Networks that fold pixels into channels do so in blocks of 2, 4 or 8, and some fill up odd
 * sizes by themselves, so that this does not show in {@link ModelFacts.multiple}.
 */
export function tileGrid(model: Pick<ModelFacts, 'multiple'>): number {
  return model.multiple * (8 / greatestCommonDivisor(8, model.multiple));
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}

/** Input samples that tiles overlap their neighbours by, on the network's grid. */
export function tileBorder(model: TiledNetwork): number {
  return roundUp(model.receptiveRadius ?? BLIND_BORDER, tileGrid(model));
}

/** The smallest tile side that still moves on at a fair cost. */
export function smallestTile(model: TiledNetwork): number {
  return 2 * tileBorder(model) + 2 * tileGrid(model);
}

interface Axis {
  readonly padded: number;
  readonly tile: number;
  readonly spans: readonly TileSpan[];
}

function layOutAxis(model: TiledNetwork, length: number, fixed: number | null, limit: number | null): Axis {
  const { multiple } = model;
  if (fixed === null) {
    const padded = roundUp(length, multiple);
    if (limit === null || limit >= padded) return { padded, tile: padded, spans: [whole(length)] };
    const border = tileBorder(model);
    const grid = tileGrid(model);
    // The last tile ends with the frame and starts on the grid, as all do; one size fits all.
    const rest = padded % grid;
    const room = Math.max(0, limit - rest);
    const most = Math.min(padded, Math.max(smallestTile(model), room - (room % grid)) + rest);
    const tile = evenTile(padded, most, border, grid);
    return { padded, tile, spans: cutAxis(length, padded, tile, border, grid) };
  }
  const padded = Math.max(length, fixed);
  if (padded === fixed) return { padded, tile: fixed, spans: [whole(length)] };
  // A size that the graph fixes is its own grid; a border that leaves nothing to keep is cut down.
  const border = Math.min(tileBorder(model), Math.floor((fixed - 1) / 2));
  const grid = fixed >= 2 * border + tileGrid(model) ? tileGrid(model) : 1;
  const aligned = fixed + roundUp(padded - fixed, grid);
  return { padded: aligned, tile: fixed, spans: cutAxis(length, aligned, fixed, border, grid) };
}

function whole(length: number): TileSpan {
  return { start: 0, from: 0, to: length };
}

/** The smallest tile that covers the axis with no more tiles than the largest does: what tiles share is computed twice. */
function evenTile(padded: number, largest: number, border: number, grid: number): number {
  const count = countTiles(padded, largest, border, grid);
  let tile = largest;
  while (countTiles(padded, tile - grid, border, grid) === count) tile -= grid;
  return tile;
}

/** How far each tile moves on from the one before. */
function tileStep(tile: number, border: number, grid: number): number {
  const most = tile - 2 * border;
  return Math.max(grid, most - (most % grid));
}

function countTiles(padded: number, tile: number, border: number, grid: number): number {
  return Math.ceil((padded - tile) / tileStep(tile, border, grid)) + 1;
}

function cutAxis(length: number, padded: number, tile: number, border: number, grid: number): TileSpan[] {
  if (tile >= padded) return [whole(length)];
  const step = tileStep(tile, border, grid);
  const count = countTiles(padded, tile, border, grid);
  const last = padded - tile;
  const starts = Array.from({ length: count }, (_, i) => Math.min(i * step, last));
  return starts.map((start, i) => {
    const next = starts[i + 1];
    return {
      start,
      from: i === 0 ? 0 : start + border,
      to: next === undefined ? length : Math.min(length, next + border),
    };
  });
}

function roundUp(value: number, multiple: number): number {
  return Math.ceil(value / multiple) * multiple;
}
