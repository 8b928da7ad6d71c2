import { startRender, stopRender, type RenderState, type Settings } from './api.ts';
import { element, formatTime } from './elements.ts';

/** Starts, stops and shows the render of the whole. */
export function connectRender(settings: () => Settings): { show: (state: RenderState) => void } {
  const button = element('render', HTMLButtonElement);
  const copy = element('copy', HTMLButtonElement);
  const area = element('render-progress', HTMLDivElement);
  const bar = element('render-bar', HTMLProgressElement);
  const text = element('render-text', HTMLParagraphElement);
  let isRunning = false;

  const show = (state: RenderState): void => {
    isRunning = state.state === 'running';
    area.hidden = state.state === 'idle';
    bar.value = state.share;
    text.textContent = describe(state);
    button.textContent = isRunning ? 'Stop' : 'Render the whole';
  };
  button.addEventListener('click', () => {
    (isRunning ? stopRender() : startRender(settings())).then(show, (error: unknown) => {
      area.hidden = false;
      text.textContent = error instanceof Error ? error.message : String(error);
    });
  });
  copy.addEventListener('click', () => {
    void navigator.clipboard.writeText(element('command', HTMLPreElement).textContent).then(() => {
      copy.textContent = 'Copied';
      window.setTimeout(() => (copy.textContent = 'Copy'), 1500);
    });
  });
  return { show };
}

function describe({ state, share, fps, etaSeconds, stage, message }: RenderState): string {
  if (state !== 'running') return message;
  if (stage !== 'run') return `${stage} ...`;
  const left = etaSeconds === null ? '' : `, ${formatTime(etaSeconds, false)} left`;
  return `${(share * 100).toFixed(1)} %, ${fps.toFixed(1)} frames a second${left}`;
}
