/** Small things around the elements of a page. */

export function byId(id: string): HTMLElement | null {
  return document.getElementById(id);
}

/** A page of the server, as elements that are not shown yet. Scripts in it are never executed. */
export function parsed(html: string): Document {
  return new DOMParser().parseFromString(html, 'text/html');
}

export function say(id: string, text: string): void {
  const place = byId(id);
  if (place !== null && place.textContent !== text) place.textContent = text;
}

/** True while a person writes there. */
export function isWriting(): boolean {
  const at = document.activeElement;
  return at instanceof HTMLElement && at.matches('input, textarea, select');
}
