/** The element of an id that the page has, of the kind that is expected. */
export function element<T extends HTMLElement>(id: string, kind: new () => T): T {
  const found = document.getElementById(id);
  if (found instanceof kind) return found;
  throw new Error(`The page has no ${id}.`);
}

/** `1:02:03.04`, or without hundredths. */
export function formatTime(seconds: number, withHundredths: boolean): string {
  const whole = Math.max(0, Math.floor(seconds + 1e-6));
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor(whole / 60) % 60;
  const two = (value: number): string => String(value).padStart(2, '0');
  const hundredths = withHundredths ? `.${two(Math.floor((seconds + 1e-6 - whole) * 100))}` : '';
  return `${hours > 0 ? `${String(hours)}:${two(minutes)}` : String(minutes)}:${two(whole % 60)}${hundredths}`;
}
