import { EXIT_CODES } from './exit-codes.ts';
import { readMessageOptions, readRequest } from './arguments.ts';
import { describeExamination } from './describe-examination.ts';
import { examineMachine } from './examine-machine.ts';
import type { RawArguments } from './raw-arguments.ts';

/** `upreel doctor`: what this machine has. Ends with an error code only when nothing could be upscaled here. */
export async function runDoctorCommand(raw: RawArguments): Promise<number> {
  const { json } = readMessageOptions(raw);
  const { ffmpeg, ffprobe } = readRequest(raw, 'doctor');
  const examination = await examineMachine({ ffmpeg, ffprobe });
  process.stdout.write(`${json ? JSON.stringify(examination, null, 2) : describeExamination(examination)}\n`);
  if (examination.ffmpeg === null) return EXIT_CODES.encoder;
  return examination.models.length === 0 ? EXIT_CODES.model : EXIT_CODES.ok;
}
