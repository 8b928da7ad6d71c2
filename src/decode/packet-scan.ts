import { UpscaleError } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import { startProcess } from '../ffmpeg/process.ts';
import type { FfmpegTools } from '../ffmpeg/tools.ts';
import { toFfmpegPath } from '../ffmpeg/command.ts';
import type { PacketScan } from './source.ts';

const MOST_COMPLAINTS = 20;

export interface ScanOptions {
  readonly tools: FfmpegTools;
  readonly inputOptions: readonly string[];
  readonly signal?: AbortSignal | undefined;
  readonly logger?: Logger | undefined;
}

/** What a scan found, with what only planning needs: whether the clock jumps. */
export interface ScanResult {
  readonly scan: PacketScan;
  /** The clock jumps by more than 10 s or runs backwards: a stream that was cut or joined. */
  readonly discontinuous: boolean;
}

/** Lists all packets of the first real video stream (`V:0`, no cover art); decodes nothing. */
export async function scanPackets(path: string, options: ScanOptions): Promise<ScanResult> {
  const child = startProcess(
    options.tools.ffprobe,
    [
      ...['-v', 'warning', ...options.inputOptions],
      ...['-select_streams', 'V:0', '-show_entries', 'packet=pts,dts,flags', '-of', 'csv=p=0'],
      toFfmpegPath(path),
    ],
    { label: 'packet scan', stdin: 'ignore', stdout: 'pipe', signal: options.signal, logger: options.logger },
  );
  const collector = new PacketCollector();
  let rest = '';
  child.stdout?.setEncoding('latin1');
  child.stdout?.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) collector.add(line);
  });
  const exit = await child.exited;
  if (options.signal?.aborted === true) throw new UpscaleError('ABORTED', 'The run was stopped.');
  const complaints = readComplaints(exit.stderr);
  return collector.finish(exit.code === 0, complaints);
}

/** Lines of a demuxer's stderr that tell of damage, without their origin's address; each once. */
export function readComplaints(stderr: string): string[] {
  const lines = stderr
    .split('\n')
    .map((line) => line.replace(/^\[[^\]]*\] ?/, '').trim())
    .filter((line) => DAMAGE.test(line));
  return [...new Set(lines)].slice(0, MOST_COMPLAINTS);
}

const DAMAGE =
  /partial file|ended prematurely|truncat|invalid (data|nal|return)|corrupt|moov atom not found|error (while|reading|splitting)|packet too (small|large)|missing|unexpected end|non-existing pps 0 referenced$/i;

/** Gathers the packets line by line, so that hours of video need no list of objects. */
class PacketCollector {
  readonly #pts: number[] = [];
  readonly #keyframes: number[] = [];
  #frames = 0;
  #missing = 0;
  #lastDts: number | null = null;
  #jumps: number[] = [];

  /** One line: `pts,dts,flags`, `N/A` for what is missing. */
  add(line: string): void {
    const [ptsText, dtsText, flags] = line.trim().split(',');
    if (flags === undefined) return;
    const dts = dtsText === 'N/A' ? null : Number(dtsText);
    if (dts !== null) {
      if (this.#lastDts !== null) this.#jumps.push(dts - this.#lastDts);
      this.#lastDts = dts;
    }
    if (flags.includes('D')) return;
    this.#frames++;
    const pts = ptsText === 'N/A' ? null : Number(ptsText);
    if (pts === null) {
      this.#missing++;
      return;
    }
    this.#pts.push(pts);
    if (flags.startsWith('K')) this.#keyframes.push(pts);
  }

  finish(ended: boolean, complaints: string[]): ScanResult {
    const pts = Float64Array.from(this.#pts).sort();
    const steps = new Float64Array(Math.max(0, pts.length - 1));
    let duplicates = 0;
    for (let i = 0; i < steps.length; i++) {
      const step = Number(pts[i + 1]) - Number(pts[i]);
      steps[i] = step;
      if (step === 0) duplicates++;
    }
    steps.sort();
    const min = steps[0] ?? 0;
    const median = steps[steps.length >> 1] ?? 0;
    const max = steps.at(-1) ?? 0;
    const keyframes = [...new Set(this.#keyframes)].sort((x, y) => x - y);
    // Ten seconds at 25 frames a second.
    const jumpLimit = 250 * Math.max(1, median);
    return {
      scan: {
        frames: this.#frames,
        firstPts: pts[0] ?? null,
        lastPts: pts.at(-1) ?? null,
        keyframes,
        intraOnly: this.#frames > 0 && this.#keyframes.length === this.#frames,
        step: steps.length === 0 ? null : { min, median, max },
        variableFrameRate: steps.length > 0 && max - min > Math.max(2, median * 0.02),
        missingPts: this.#missing,
        duplicatePts: duplicates,
        complete: ended && complaints.length === 0,
        complaints,
      },
      discontinuous: this.#jumps.some((jump) => jump < 0 || jump > jumpLimit),
    };
  }
}
