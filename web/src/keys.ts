import type { View } from './stage.ts';

export interface KeyActions {
  readonly togglePlay: () => void;
  readonly step: (frames: number) => void;
  readonly skip: (seconds: number) => void;
  readonly moveDivider: (by: number) => void;
  readonly flip: (isFlipped: boolean) => void;
  readonly chooseView: (view: View) => void;
  readonly toggleLoupe: () => void;
  readonly changeZoom: (by: 1 | -1) => void;
  readonly takeStill: () => void;
  readonly toggleFullScreen: () => void;
  readonly toggleMute: () => void;
}

const SKIP_SECONDS = 5;
const DIVIDER_STEP = 0.02;

/** Keys for everything. Those that a focused control uses itself are left to it. */
export function connectKeys(actions: KeyActions): void {
  const keys: Readonly<Record<string, () => void>> = {
    ' ': actions.togglePlay,
    k: actions.togglePlay,
    ',': () => actions.step(-1),
    '.': () => actions.step(1),
    ArrowLeft: () => actions.skip(-SKIP_SECONDS),
    ArrowRight: () => actions.skip(SKIP_SECONDS),
    '[': () => actions.moveDivider(-DIVIDER_STEP),
    ']': () => actions.moveDivider(DIVIDER_STEP),
    1: () => actions.chooseView('split'),
    2: () => actions.chooseView('flip'),
    3: () => actions.chooseView('side'),
    4: () => actions.chooseView('difference'),
    l: actions.toggleLoupe,
    '+': () => actions.changeZoom(1),
    '=': () => actions.changeZoom(1),
    '-': () => actions.changeZoom(-1),
    s: actions.takeStill,
    f: actions.toggleFullScreen,
    m: actions.toggleMute,
  };
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isUsedBy(event.target, event.key)) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (key === 'b') {
      if (!event.repeat) actions.flip(true);
      return;
    }
    const act = keys[key];
    if (act === undefined) return;
    event.preventDefault();
    act();
  });
  document.addEventListener('keyup', (event) => {
    if (event.key.toLowerCase() === 'b') actions.flip(false);
  });
  window.addEventListener('blur', () => actions.flip(false));
}

function isUsedBy(target: EventTarget | null, key: string): boolean {
  if (target instanceof HTMLSelectElement) return true;
  if (target instanceof HTMLInputElement)
    return key.startsWith('Arrow') || (target.type === 'radio' && key === ' ');
  if (target instanceof HTMLButtonElement || target instanceof HTMLAnchorElement)
    return key === ' ' || key === 'Enter';
  return false;
}
