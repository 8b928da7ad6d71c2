import { spawnSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { Arena } from '../../src/kernels/arena.ts';
import { loadKernels } from '../../src/kernels/kernels.ts';

describe('loadKernels', () => {
  it('leaves the arena as it was, whatever its size', async () => {
    for (const bytes of [1, 1 << 20, 40 << 20]) {
      const arena = new Arena(bytes);
      const before = arena.bytes(0, arena.capacity).fill(0x33).slice();
      await loadKernels(arena);
      expect(Buffer.compare(arena.bytes(0, arena.capacity), before)).toBe(0);
    }
  });

  it('has a module that brings no data of its own and wants nothing but memory', () => {
    const wasm = readFileSync(new URL('../../build/kernels.wasm', import.meta.url));
    const module = new WebAssembly.Module(wasm);
    expect(WebAssembly.Module.imports(module)).toEqual([{ module: 'env', name: 'memory', kind: 'memory' }]);
  });
});

describe('build-kernels', () => {
  it('leaves kernels that are up to date alone', () => {
    const wasm = new URL('../../build/kernels.wasm', import.meta.url);
    const before = statSync(wasm).mtimeMs;
    const script = fileURLToPath(new URL('../../scripts/build-kernels.js', import.meta.url));
    const { status, stderr } = spawnSync(process.execPath, [script]);
    expect(stderr.toString()).toBe('');
    expect(status).toBe(0);
    expect(statSync(wasm).mtimeMs).toBe(before);
  });
});
