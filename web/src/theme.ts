const KEY = 'upreel-theme';

/** Dark or light as the system has it, until the button says otherwise. */
export function connectTheme(button: HTMLButtonElement): void {
  const system = window.matchMedia('(prefers-color-scheme: light)');
  const show = (): void => {
    const chosen = localStorage.getItem(KEY) ?? (system.matches ? 'light' : 'dark');
    document.documentElement.dataset['theme'] = chosen;
  };
  button.addEventListener('click', () => {
    localStorage.setItem(KEY, document.documentElement.dataset['theme'] === 'light' ? 'dark' : 'light');
    show();
  });
  system.addEventListener('change', show);
  show();
}
