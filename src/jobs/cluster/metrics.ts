import { createServer } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import { UpscaleError } from '../../core/errors.ts';

/** A queue that does not tell within so long is left out of an answer. */
const COUNT_MS = 2000;

/** What a worker counts, for Prometheus. */
export interface WorkerMetrics {
  readonly segmentDone: (frames: number, seconds: number) => void;
  readonly segmentFailed: () => void;
  readonly assemblyDone: (seconds: number) => void;
  readonly assemblyFailed: () => void;
  readonly lanesBusy: (lanes: number) => void;
  /** Serves `/metrics` on `port`; 0 takes a free one. Returns the port and what ends it. Throws `USAGE` for a port that is not to be had. */
  readonly serve: (port: number) => Promise<{ readonly port: number; readonly close: () => void }>;
}

/** @param countWaiting - Segments that this worker's fleet has still before it; asked whenever Prometheus asks. */
export function createMetrics(countWaiting: () => Promise<number>): WorkerMetrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, prefix: 'upreel_' });
  const registers = [registry];
  const segments = new Counter({
    name: 'upreel_segments_total',
    help: 'Segments that ended, by how',
    labelNames: ['outcome'],
    registers,
  });
  const assemblies = new Counter({
    name: 'upreel_assemblies_total',
    help: 'Assemblies that ended, by how',
    labelNames: ['outcome'],
    registers,
  });
  const frames = new Counter({ name: 'upreel_frames_total', help: 'Frames encoded', registers });
  const buckets = [1, 3, 10, 30, 100, 300, 1000, 3000];
  const segmentSeconds = new Histogram({
    ...{ name: 'upreel_segment_seconds', help: 'Wall time of a segment', buckets, registers },
  });
  const assemblySeconds = new Histogram({
    ...{
      name: 'upreel_assembly_seconds',
      help: 'Wall time of an assembly with its verification',
      buckets,
      registers,
    },
  });
  const busy = new Gauge({ name: 'upreel_lanes_busy', help: 'Lanes that are at a segment', registers });
  const waiting: Gauge = new Gauge({
    name: 'upreel_segments_waiting',
    help: 'Segments that wait for workers of this fleet',
    registers,
    async collect() {
      const count = await Promise.race([countWaiting(), wait(COUNT_MS, null, { ref: false })]);
      if (count !== null) waiting.set(count);
    },
  });
  return {
    segmentDone: (count, seconds) => {
      segments.inc({ outcome: 'done' });
      frames.inc(count);
      segmentSeconds.observe(seconds);
    },
    segmentFailed: () => segments.inc({ outcome: 'failed' }),
    assemblyDone: (seconds) => {
      assemblies.inc({ outcome: 'done' });
      assemblySeconds.observe(seconds);
    },
    assemblyFailed: () => assemblies.inc({ outcome: 'failed' }),
    lanesBusy: (lanes) => busy.set(lanes),
    serve: async (port) => serve(registry, port),
  };
}

async function serve(registry: Registry, port: number): Promise<{ port: number; close: () => void }> {
  const server = createServer((request, response) => {
    if (request.url !== '/metrics') {
      response.writeHead(404).end('See /metrics.\n');
      return;
    }
    registry.metrics().then(
      (text) => response.writeHead(200, { 'content-type': registry.contentType }).end(text),
      (error: unknown) => response.writeHead(500).end(`${String(error)}\n`),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => {
      reject(
        new UpscaleError('USAGE', `No metrics can be served on port ${port}: ${error.message}.`, {
          hint: 'Give another port with --metrics, or 0 for any that is free.',
        }),
      );
    });
    server.listen(port, resolve);
  });
  const address = server.address();
  const close = (): void => {
    server.close();
    server.closeAllConnections();
  };
  return { port: typeof address === 'object' && address !== null ? address.port : port, close };
}
