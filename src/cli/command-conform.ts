import process from 'node:process';
import { planConform, type ConformPlan } from '../hook/conform/plan-conform.ts';
import { runConform } from '../hook/conform/run-conform.ts';
import { upscale } from '../index.ts';
import { readInput, readMessageOptions, readOption, readRequest } from './arguments.ts';
import type { RawArguments } from './raw-arguments.ts';
import { describeConformPlan, describeConformResult } from './describe-conform.ts';
import { EXIT_CODES } from './exit-codes.ts';
import { guardInterrupts } from './interrupt.ts';
import { createReporter } from './progress-reporter.ts';

/** `upreel conform`: a timeline again, with larger media. */
export async function runConformCommand(raw: RawArguments): Promise<number> {
  const messages = readMessageOptions(raw);
  const file = readInput(raw, 'timeline');
  const { overwrite, ...request } = readRequest(raw, 'conform');
  const folders = readOption(raw, 'media');
  const reporter = createReporter(messages);
  using interrupt = guardInterrupts(() => reporter.writeLine('Stopping; press Ctrl-C again to end at once.'));
  const call = { signal: interrupt.signal, logger: reporter.logger };
  try {
    const plan = await planConform(file, {
      ...call,
      request,
      handles: Number(readOption(raw, 'handles')),
      folders: Array.isArray(folders) ? (folders as readonly string[]) : [],
    });
    if (raw['plan'] === true) {
      process.stdout.write(
        messages.json ? `${JSON.stringify(toJson(plan), null, 2)}\n` : `${describeConformPlan(file, plan)}\n`,
      );
      return EXIT_CODES.ok;
    }
    const result = await runConform(plan, upscale, {
      ...call,
      overwrite: overwrite === true,
      onProgress: reporter.listener,
      onPiece: ({ source, first, end }, index, count) =>
        reporter.writeLine(
          `Piece ${String(index + 1)} of ${String(count)}: ${source.path}, frames ${String(first)}-${String(end - 1)}`,
        ),
    });
    reporter.close();
    process.stdout.write(
      messages.json ? `${JSON.stringify(result, null, 2)}\n` : `${describeConformResult(result)}\n`,
    );
    return result.verified ? EXIT_CODES.ok : EXIT_CODES.unverified;
  } finally {
    reporter.close();
  }
}

function toJson({ output, size, pieces, left }: ConformPlan): object {
  return {
    output,
    size,
    pieces: pieces.map(({ piece, plan }) => ({
      source: piece.source.path,
      ...{ first: piece.first, end: piece.end, path: piece.path, width: piece.width, height: piece.height },
      ...{ bytes: plan.resources.outputBytes, seconds: plan.resources.seconds },
    })),
    left,
  };
}
