import { existsSync, readdirSync } from 'node:fs';
import process from 'node:process';
import type { Device, InferPlan } from './infer-plan.ts';

/** Best first. A provider that onnxruntime does not have on this system is left out. */
export const LADDERS: Partial<Record<NodeJS.Platform, readonly Device[]>> = {
  linux: ['tensorrt', 'cuda', 'webgpu', 'cpu'],
  win32: ['cuda', 'directml', 'webgpu', 'cpu'],
  darwin: ['webgpu', 'coreml', 'cpu'],
};

/** The devices to try for `asked`, in order. */
export function listLadder(asked: InferPlan['device']): readonly Device[] {
  if (asked !== 'auto') return [asked];
  return LADDERS[process.platform] ?? ['cpu'];
}

/**
 * Why `device` is not to be taken unasked, or null where nothing speaks against it. A GPU that is drawn by software is slower
 * than the CPU itself, so it counts as none.
 */
export function refuseUnasked(device: Device): string | null {
  if (device === 'cpu' || process.platform !== 'linux') return null;
  if (device === 'webgpu') {
    const driver = process.env.VK_DRIVER_FILES ?? process.env.VK_ICD_FILENAMES ?? '';
    if (/swiftshader|lvp|lavapipe/i.test(driver)) return 'the Vulkan driver is a software one';
    if (!hasRenderNode()) return 'no GPU is there: neither /dev/dri nor /dev/nvidia0 nor /dev/dxg';
    return null;
  }
  return existsSync('/dev/nvidia0') || existsSync('/dev/dxg') ? null : 'no NVIDIA GPU is there';
}

function hasRenderNode(): boolean {
  if (existsSync('/dev/nvidia0') || existsSync('/dev/dxg')) return true;
  try {
    return readdirSync('/dev/dri').some((name) => name.startsWith('renderD'));
  } catch {
    return false;
  }
}
