/** Buttons that copy: a text that they carry, or what stands at an address. */
const saidMs = 1_500;

export function copyButtons(): void {
  document.addEventListener('click', (event) => {
    const button = event.target instanceof Element ? event.target.closest('button.copy') : null;
    if (!(button instanceof HTMLButtonElement)) return;
    copyFrom(button).then(
      () => say(button, 'Copied'),
      () => say(button, 'Not copied'),
    );
  });
}

async function copyFrom(button: HTMLButtonElement): Promise<void> {
  const { copy, copyFrom: address } = button.dataset;
  const text = address === undefined ? (copy ?? '') : await (await fetch(address)).text();
  await navigator.clipboard.writeText(text);
}

function say(button: HTMLButtonElement, text: string): void {
  const before = button.dataset['text'] ?? button.textContent ?? '';
  button.dataset['text'] = before;
  button.textContent = text;
  setTimeout(() => {
    button.textContent = before;
  }, saidMs);
}
