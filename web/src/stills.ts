import { takeStill, type Settings } from './api.ts';
import { element, formatTime } from './elements.ts';
import type { Player } from './player.ts';

/** Takes stills of what is shown; returns what does it, for the key. */
export function connectStills(
  player: Player,
  settings: () => Settings,
  onProblem: (message: string) => void,
): () => void {
  const button = element('still', HTMLButtonElement);
  const list = element('stills', HTMLUListElement);
  const take = async (): Promise<void> => {
    button.disabled = true;
    button.textContent = 'Taking a still';
    try {
      const frame = Math.floor(player.video.currentTime / player.frameSeconds + 0.001);
      const pair = await takeStill(settings(), frame * player.frameSeconds);
      const entry = document.createElement('li');
      entry.append(
        `${formatTime(pair.seconds, true)}: `,
        makeLink(pair.upscaled, 'upscaled', pair.seconds),
        ', ',
        makeLink(pair.original, 'source', pair.seconds),
      );
      list.prepend(entry);
    } catch (error) {
      onProblem(error instanceof Error ? error.message : String(error));
    } finally {
      button.disabled = false;
      button.textContent = 'Take a still';
    }
  };
  button.addEventListener('click', () => void take());
  return () => {
    if (!button.disabled) void take();
  };
}

function makeLink(href: string, name: string, seconds: number): HTMLAnchorElement {
  const link = document.createElement('a');
  link.href = href;
  link.download = `${name}-${seconds.toFixed(3)}.png`;
  link.textContent = `${name}.png`;
  return link;
}
