import type { Settings, SourceFacts } from './api.ts';
import { element } from './elements.ts';

const NAMES: Readonly<Record<string, string>> = {
  'model:auto': 'Best that keeps up',
  'model:lanczos': 'Lanczos, a plain filter',
  'model:bicubic': 'Bicubic, a plain filter',
  'temporal:auto': 'As the source needs',
  'temporal:off': 'Off',
  'temporal:low': 'Low',
  'temporal:medium': 'Medium',
  'temporal:high': 'High',
  'deinterlace:auto': 'As the source needs',
  'deinterlace:off': 'Off',
  'deinterlace:frame': 'One frame a picture',
  'deinterlace:field': 'One frame a field',
  'chroma:auto': 'By a network where one fits',
  'chroma:filter': 'By a plain filter',
};

/** Fills the form with what there is to choose. */
export function showSettings(form: HTMLFormElement, source: SourceFacts, settings: Settings): void {
  const { choices, models } = source;
  fill(
    form,
    'model',
    models.map(({ id }) => id),
    settings.model,
  );
  fill(form, 'temporal', choices.temporal, settings.temporal);
  fill(form, 'deinterlace', choices.deinterlace, settings.deinterlace);
  fill(form, 'chroma', choices.chroma, settings.chroma);
  const chosen = models.find(({ id }) => id === settings.model);
  element('model-help', HTMLParagraphElement).textContent =
    settings.model === 'auto'
      ? 'Steps down when this machine does not keep up, and up again when it can.'
      : (chosen?.description ?? '');
}

export function readSettings(form: HTMLFormElement): Settings {
  const values = new FormData(form);
  const read = (name: string): string => {
    const value = values.get(name);
    return typeof value === 'string' ? value : '';
  };
  return {
    model: read('model'),
    temporal: read('temporal'),
    deinterlace: read('deinterlace'),
    chroma: read('chroma'),
  };
}

function fill(form: HTMLFormElement, name: string, values: readonly string[], chosen: string): void {
  const select = form.elements.namedItem(name);
  if (!(select instanceof HTMLSelectElement)) return;
  select.replaceChildren(
    ...values.map((value) => new Option(NAMES[`${name}:${value}`] ?? value, value, false, value === chosen)),
  );
}
