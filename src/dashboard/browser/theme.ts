/** Light or dark, where the reader wants another one than the system does. The choice is kept in this browser. */
import { byId } from './page.ts';

const choices = ['system', 'light', 'dark'] as const;
type Choice = (typeof choices)[number];

const kept = 'pawl.theme';
const names: Readonly<Record<Choice, string>> = {
  system: 'Light or dark as the system',
  light: 'Light',
  dark: 'Dark',
};

function chosen(): Choice {
  try {
    const found = localStorage.getItem(kept);
    return choices.find((one) => one === found) ?? 'system';
  } catch {
    return 'system';
  }
}

function show(): void {
  const choice = chosen();
  const { dataset } = document.documentElement;
  if (choice === 'system') delete dataset['theme'];
  else dataset['theme'] = choice;
  const button = byId('theme')?.querySelector('button');
  if (button !== null && button !== undefined) button.textContent = names[choice];
}

function keep(choice: Choice): void {
  try {
    localStorage.setItem(kept, choice);
  } catch {
    // A browser that keeps nothing shows what the system says.
  }
  show();
}

/** From what is seen now to the other one. */
export function toggleTheme(): void {
  const isDark =
    chosen() === 'dark' ||
    (chosen() === 'system' && matchMedia('(prefers-color-scheme: dark)').matches);
  keep(isDark ? 'light' : 'dark');
}

export function theme(): void {
  const place = byId('theme');
  if (place !== null) {
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'plain';
    button.addEventListener('click', () =>
      keep(choices[(choices.indexOf(chosen()) + 1) % choices.length] ?? 'system'),
    );
    place.replaceChildren(button);
  }
  show();
}
