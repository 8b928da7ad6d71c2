import { stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { loadRegistry } from '../../src/infer/registry.ts';
import { makeNetwork, placeModel } from './graph-fixture.ts';

describe('loadRegistry', () => {
  it('finds models by name, filters and files', async () => {
    const registry = await loadRegistry();
    expect(await registry.resolve('realtime')).toMatchObject({ kind: 'network', scale: 2, channels: 1 });
    expect(await registry.resolve('lanczos')).toMatchObject({ kind: 'resample', path: null });
    const file = await placeModel(makeNetwork({ scale: 3 }), 'mine');
    expect(await registry.resolve(file)).toMatchObject({ id: 'mine', scale: 3, path: file });
    // The second time from the cache.
    expect(await registry.resolve(file)).toMatchObject({ id: 'mine', scale: 3, path: file });
  });

  it('makes ONNX of weights, once', async () => {
    const registry = await loadRegistry();
    const file = fileURLToPath(new URL('import/fixtures/compact-x2-zip.pth', import.meta.url));
    const facts = await registry.resolve(file);
    expect(facts).toMatchObject({ id: 'compact-x2-zip', scale: 2, channels: 3, receptiveRadius: 4 });
    expect(facts.path).toMatch(/[0-9a-f]{64}-\d+\.onnx$/);
    const { mtimeMs } = await stat(facts.path ?? '');
    expect(await registry.resolve(file)).toEqual(facts);
    expect((await stat(facts.path ?? '')).mtimeMs).toBe(mtimeMs);
  });

  it('says what there is where a name is unknown', async () => {
    const registry = await loadRegistry();
    await expect(registry.resolve('b3x')).rejects.toMatchObject({
      code: 'MODEL_NOT_FOUND',
      hint: expect.stringContaining('realtime') as string,
    });
    await expect(registry.resolve('/nowhere/net.onnx')).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' });
  });

  it('passes over damaged folders and is empty without any', async () => {
    const registry = await loadRegistry({ directories: ['/nowhere'] });
    expect(registry.list()).toEqual([]);
    expect(() => registry.default).toThrow(expect.objectContaining({ code: 'MODEL_NOT_FOUND' }) as Error);
  });
});
