import { element, formatTime } from './elements.ts';
import type { Player } from './player.ts';

/** Milliseconds that the pointer rests before a thumbnail is asked for. */
const REST_MS = 60;

/** The position slider with small pictures of where the pointer is. */
export function connectScrub(player: Player): {
  setDuration: (seconds: number) => void;
  setThumbnails: (count: number) => void;
} {
  const seek = element('seek', HTMLInputElement);
  const thumbnail = element('thumbnail', HTMLDivElement);
  const image = element('thumbnail-image', HTMLImageElement);
  const label = element('thumbnail-time', HTMLSpanElement);
  const { video } = player;
  let duration = 1;
  let thumbnails = 0;
  let isDragged = false;
  let timer = 0;

  const show = (seconds: number): void => {
    seek.setAttribute('aria-valuetext', `${formatTime(seconds, false)} of ${formatTime(duration, false)}`);
  };
  seek.addEventListener('pointerdown', () => (isDragged = true));
  seek.addEventListener('input', () => {
    player.seek(Number(seek.value));
    show(Number(seek.value));
  });
  for (const name of ['pointerup', 'pointercancel', 'change'])
    seek.addEventListener(name, () => (isDragged = false));
  for (const name of ['timeupdate', 'seeking']) {
    video.addEventListener(name, () => {
      if (!isDragged) seek.value = String(video.currentTime);
      show(video.currentTime);
    });
  }
  seek.addEventListener('pointermove', (event) => {
    const box = seek.getBoundingClientRect();
    const share = Math.max(0, Math.min(1, (event.clientX - box.left) / box.width));
    thumbnail.hidden = thumbnails === 0;
    thumbnail.style.left = `${String(Math.max(70, Math.min(box.width - 70, share * box.width)))}px`;
    label.textContent = formatTime(share * duration, false);
    window.clearTimeout(timer);
    timer = window.setTimeout(() => {
      const index = Math.min(thumbnails - 1, Math.floor(share * thumbnails));
      image.src = `/thumbnail/${String(index)}.jpg`;
    }, REST_MS);
  });
  seek.addEventListener('pointerleave', () => {
    window.clearTimeout(timer);
    thumbnail.hidden = true;
  });

  return {
    setDuration: (seconds) => {
      duration = seconds;
      seek.max = String(seconds);
      element('duration', HTMLSpanElement).textContent = formatTime(seconds, false);
    },
    setThumbnails: (count) => (thumbnails = count),
  };
}
