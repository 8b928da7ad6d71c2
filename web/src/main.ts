import './style.css';
import {
  listen,
  readCommand,
  readSource,
  watch,
  type Playing,
  type Settings,
  type SourceFacts,
} from './api.ts';
import { connectDivider } from './divider.ts';
import { element, formatTime } from './elements.ts';
import { connectKeys } from './keys.ts';
import { Player } from './player.ts';
import { connectRender } from './render-panel.ts';
import { connectScrub } from './scrub.ts';
import { readSettings, showSettings } from './settings-form.ts';
import { Stage, type StageState, type View } from './stage.ts';
import { connectStills } from './stills.ts';
import { connectTheme } from './theme.ts';

const ZOOMS = [1, 2, 4, 8];
/** A segment is whole before it is played. */
const LIVE_SEGMENT_SECONDS = 1;

const app = element('app', HTMLDivElement);
const stageElement = element('stage', HTMLElement);
const busy = element('busy', HTMLDivElement);
const busyText = element('busy-text', HTMLSpanElement);
const problem = element('problem', HTMLDivElement);
const video = element('video', HTMLVideoElement);
const canvas = element('canvas', HTMLCanvasElement);
const settingsForm = element('settings', HTMLFormElement);

let state: StageState = {
  view: 'split',
  divider: 0.5,
  isFlipped: false,
  loupe: null,
  loupeAt: { x: 0.5, y: 0.5 },
};
let zoom = 4;
let viewer = '';
let settings: Settings;
let source: SourceFacts;

const stage = new Stage(canvas, video);
const player = new Player(video, {
  onFrame: () => redraw(),
  onProblem: (message) => showProblem(message),
});
const divider = connectDivider(stageElement, stage, (share) => change({ divider: share }));

function redraw(): void {
  const isDrawn = stage.draw(state);
  divider.place(state);
  if (isDrawn) canvas.dataset['frame'] = String(Math.floor(video.currentTime / player.frameSeconds + 0.001));
}

function change(part: Partial<StageState>): void {
  state = { ...state, ...part };
  canvas.setAttribute('aria-label', describeView(state));
  stageElement.classList.toggle('loupe-on', state.loupe !== null);
  redraw();
}

function describeView({ view, isFlipped }: StageState): string {
  const one = isFlipped ? 'The source' : 'The upscaled picture';
  const views: Readonly<Record<View, string>> = {
    split: 'The source on the left of the divider, upscaled on the right',
    flip: one,
    side: 'The source and the upscaled picture side by side',
    difference: 'How much the two pictures differ, brightened',
  };
  return views[view];
}

function showTags(): void {
  const [left, right] = [element('tag-left', HTMLSpanElement), element('tag-right', HTMLSpanElement)];
  const { view, isFlipped } = state;
  const alone = isFlipped ? 'Source' : view === 'difference' ? 'Difference, 8 times' : 'Upscaled';
  const isPair = view === 'split' || view === 'side';
  left.textContent = isPair ? (isFlipped && view === 'side' ? 'Upscaled' : 'Source') : alone;
  right.textContent = isFlipped && view === 'side' ? 'Source' : 'Upscaled';
  right.hidden = !isPair;
}

function chooseView(view: View): void {
  const input = document.querySelector<HTMLInputElement>(`input[name="view"][value="${view}"]`);
  if (input !== null) input.checked = true;
  change({ view });
  showTags();
}

function flip(isFlipped: boolean): void {
  change({ isFlipped });
  showTags();
}

function setLoupe(isOn: boolean): void {
  change({ loupe: isOn ? zoom * Math.min(2, window.devicePixelRatio || 1) : null });
  element('loupe', HTMLButtonElement).setAttribute('aria-pressed', String(isOn));
  element('loupe-zoom', HTMLSpanElement).textContent = `${String(zoom)}:1`;
}

function changeZoom(by: 1 | -1): void {
  const index = Math.max(0, Math.min(ZOOMS.length - 1, ZOOMS.indexOf(zoom) + by));
  zoom = ZOOMS[index] ?? zoom;
  setLoupe(state.loupe !== null);
}

function showProblem(message: string): void {
  problem.textContent = message;
  problem.hidden = false;
}

function showBusy(text: string | null): void {
  busy.hidden = text === null;
  if (text !== null) busyText.textContent = text;
}

function showPlaying(playing: Playing): void {
  const target = element('playing', HTMLParagraphElement);
  if (playing.live !== undefined) {
    showLive(target, playing, playing.live);
    return;
  }
  const speed = playing.speed === null ? 'measuring its speed' : `${playing.speed.toFixed(2)} x`;
  const filter = playing.model === 'lanczos' ? ', a plain filter' : '';
  const parts: (string | HTMLElement)[] = [
    strong(playing.model),
    `${filter} · ${String(playing.width)} x ${String(playing.height)} · `,
    strong(speed, playing.speed !== null && playing.speed < 1 ? 'slow' : ''),
    `${playing.speed === null ? '' : ' real time'} · ${playing.droppedRate === 0 ? 'no' : String(playing.droppedRate)} frames dropped${playing.droppedRate === 0 ? '' : ' a second'}`,
  ];
  target.replaceChildren(...parts);
}

/** The player's own buffer is most of the latency, so it is counted in. */
function showLive(target: HTMLElement, playing: Playing, live: NonNullable<Playing['live']>): void {
  const buffered =
    video.buffered.length === 0 ? 0 : video.buffered.end(video.buffered.length - 1) - video.currentTime;
  element('mute', HTMLButtonElement).hidden = !live.hasSound;
  target.replaceChildren(
    strong(playing.model),
    ` · ${String(playing.width)} x ${String(playing.height)} · live, `,
    strong(`${(live.lag + buffered + LIVE_SEGMENT_SECONDS).toFixed(1)} s`),
    ` behind · ${String(live.dropped)} of ${String(live.frames)} frames dropped`,
  );
}

function strong(text: string, className = ''): HTMLElement {
  const made = document.createElement('strong');
  made.textContent = text;
  made.className = className;
  return made;
}

async function openStream(): Promise<void> {
  showBusy('Upscaling');
  problem.hidden = true;
  try {
    const watched = await watch(viewer, settings);
    stage.pictures = watched.pictures;
    if (viewer !== watched.viewer) {
      viewer = watched.viewer;
      listen(viewer, {
        playing: showPlaying,
        render: render.show,
        lost: (isLost) => isLost && showBusy('The server is gone'),
      });
    }
    player.load(watched.playlist, watched);
    scrub.setDuration(watched.duration);
    showPlaying(watched.playing);
    if (source.isLive === true) {
      void player.play();
      return;
    }
    const { command } = await readCommand(settings);
    element('command', HTMLPreElement).textContent = command;
  } catch (error) {
    showBusy(null);
    showProblem(error instanceof Error ? error.message : String(error));
  }
}

const scrub = connectScrub(player);
const render = connectRender(() => settings);
const takeStill = connectStills(player, () => settings, showProblem);
connectTheme(element('theme', HTMLButtonElement));

function connectButtons(): void {
  const click = (id: string, act: () => void): void =>
    element(id, HTMLButtonElement).addEventListener('click', act);
  click('play', () => player.toggle());
  click('step-back', () => player.step(-1));
  click('step-forward', () => player.step(1));
  click('loupe', () => setLoupe(state.loupe === null));
  click('mute', () => toggleMute());
  click('fullscreen', () => toggleFullScreen());
  click('panel-toggle', () => {
    const isHidden = app.classList.toggle('without-panel');
    element('panel-toggle', HTMLButtonElement).setAttribute('aria-expanded', String(!isHidden));
    redraw();
  });
  for (const input of document.querySelectorAll<HTMLInputElement>('input[name="view"]')) {
    input.addEventListener('change', () => chooseView(input.value as View));
  }
  settingsForm.addEventListener('change', () => {
    settings = readSettings(settingsForm);
    showSettings(settingsForm, source, settings);
    void openStream();
  });
  stageElement.addEventListener('pointermove', (event) => {
    if (state.loupe === null) return;
    const box = canvas.getBoundingClientRect();
    const { x, y, width, height } = stage.frame;
    const share = (at: number, from: number, span: number): number =>
      Math.max(0, Math.min(1, (at - from) / span));
    change({
      loupeAt: { x: share(event.clientX - box.left, x, width), y: share(event.clientY - box.top, y, height) },
    });
  });
  new ResizeObserver(() => redraw()).observe(canvas);
}

function connectVideo(): void {
  const time = element('time', HTMLSpanElement);
  video.addEventListener('timeupdate', () => (time.textContent = formatTime(video.currentTime, true)));
  video.addEventListener('seeking', () => (time.textContent = formatTime(video.currentTime, true)));
  const showState = (): void => {
    app.classList.toggle('is-playing', !video.paused);
    element('play', HTMLButtonElement).setAttribute('aria-label', video.paused ? 'Play' : 'Pause');
  };
  for (const name of ['play', 'pause', 'ended']) video.addEventListener(name, showState);
  for (const name of ['waiting', 'seeking']) video.addEventListener(name, () => showBusy('Upscaling'));
  for (const name of ['playing', 'canplay', 'seeked']) {
    video.addEventListener(name, () => {
      showBusy(null);
      redraw();
    });
  }
  video.addEventListener('volumechange', () => {
    app.classList.toggle('is-mute', video.muted);
    element('mute', HTMLButtonElement).setAttribute('aria-pressed', String(video.muted));
  });
}

function toggleMute(): void {
  video.muted = !video.muted;
}

function toggleFullScreen(): void {
  if (document.fullscreenElement === null) void app.requestFullscreen();
  else void document.exitFullscreen();
}

connectButtons();
connectVideo();
connectKeys({
  togglePlay: () => player.toggle(),
  step: (frames) => player.step(frames),
  skip: (seconds) => player.seek(video.currentTime + seconds),
  moveDivider: (by) => change({ divider: Math.max(0, Math.min(1, state.divider + by)) }),
  flip,
  chooseView,
  toggleLoupe: () => setLoupe(state.loupe === null),
  changeZoom,
  takeStill,
  toggleFullScreen,
  toggleMute,
});

try {
  source = await readSource();
  settings = source.defaults;
  document.title = `${source.name} · Upreel`;
  element('name', HTMLHeadingElement).textContent = source.name;
  element('mute', HTMLButtonElement).hidden = !source.hasSound;
  showSettings(settingsForm, source, settings);
  scrub.setThumbnails(source.thumbnails);
  render.show(source.render);
  showTags();
  if (source.isLive === true) app.classList.add('is-live');
  await openStream();
} catch (error) {
  showProblem(error instanceof Error ? error.message : String(error));
}
