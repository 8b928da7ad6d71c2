import type { ServerResponse } from 'node:http';

export interface Reply {
  readonly status: number;
  readonly type: string;
  readonly body: string | Buffer;
  /** Whether browsers may keep it. */
  readonly cache?: boolean;
}

export interface RouteRequest {
  readonly method: string;
  readonly url: URL;
  readonly body: unknown;
  /** Aborted when the client has gone. */
  readonly signal: AbortSignal;
  readonly response: ServerResponse;
}

/** What a server answers. No path is ever looked up in the file system as it is. */
export interface Router {
  /** Whether the path holds an id that was given out to somebody who may watch. */
  isViewerPath(path: string): boolean;
  handle(request: RouteRequest): Promise<Reply | 'handled'>;
  close(): Promise<void>;
}

export const PLAYLIST = 'application/vnd.apple.mpegurl';
export const NOT_FOUND: Reply = { status: 404, type: 'text/plain', body: 'There is nothing here.\n' };

export function json(value: unknown): Reply {
  return { status: 200, type: 'application/json', body: JSON.stringify(value) };
}

/** Sends one server-sent event. */
export function writeEvent(response: ServerResponse, event: string, data: unknown): void {
  response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
}
