// Writes test/pipeline/counts.json, what test/pipeline/counts.test.ts holds counts against: npx tsx scripts/write-counts.ts
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { countWork } from '../test/pipeline/count-work.ts';

const target = fileURLToPath(new URL('../test/pipeline/counts.json', import.meta.url));
await writeFile(target, `${JSON.stringify(await countWork(), null, 2)}\n`);
