import { createRequire } from 'node:module';

/** Version of this product, as its package says. */
export function readProductVersion(): string {
  const manifest = createRequire(import.meta.url)('../../package.json') as { version: string };
  return manifest.version;
}
