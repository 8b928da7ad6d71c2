import { element } from './elements.ts';
import type { Stage, StageState } from './stage.ts';

const KEY_STEP = 0.02;

/** The handle between the pictures: dragged, or moved by keys. */
export function connectDivider(
  stageElement: HTMLElement,
  stage: Stage,
  onMove: (share: number) => void,
): { place: (state: StageState) => void } {
  const divider = element('divider', HTMLDivElement);
  let share = 0.5;
  const moveTo = (wanted: number): void => onMove(Math.max(0, Math.min(1, wanted)));
  const follow = (event: PointerEvent): void => {
    const { x, width } = stage.frame;
    if (width > 0) moveTo((event.clientX - stageElement.getBoundingClientRect().left - x) / width);
  };
  divider.addEventListener('pointerdown', (event) => {
    divider.setPointerCapture(event.pointerId);
    follow(event);
  });
  divider.addEventListener('pointermove', (event) => {
    if (divider.hasPointerCapture(event.pointerId)) follow(event);
  });
  divider.addEventListener('keydown', (event) => {
    const steps: Readonly<Record<string, number>> = {
      ArrowLeft: -KEY_STEP,
      ArrowDown: -KEY_STEP,
      ArrowRight: KEY_STEP,
      ArrowUp: KEY_STEP,
    };
    const step = steps[event.key];
    if (event.key === 'Home') moveTo(0);
    else if (event.key === 'End') moveTo(1);
    else if (step === undefined) return;
    else moveTo(share + step);
    event.preventDefault();
    event.stopPropagation();
  });
  return {
    place: (state) => {
      share = state.divider;
      const { x, width } = stage.frame;
      divider.hidden = state.view !== 'split' || width === 0 || state.loupe !== null;
      divider.style.left = `${String(x + width * share)}px`;
      const percent = String(Math.round(share * 100));
      if (divider.getAttribute('aria-valuenow') === percent) return;
      divider.setAttribute('aria-valuenow', percent);
      divider.setAttribute('aria-valuetext', `${percent} % source`);
    },
  };
}
