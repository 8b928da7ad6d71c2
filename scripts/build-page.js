// Builds the preview's page into dist/page; touches the network as little as tsc does.
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

const configFile = fileURLToPath(new URL('../web/vite.config.ts', import.meta.url));
await build({ configFile, logLevel: process.argv.includes('--verbose') ? 'info' : 'warn' });
