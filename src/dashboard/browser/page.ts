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

/**
 * Calls `open` now and whenever the page comes to be seen again; what it returns is called when the page is hidden. A
 * browser has six connections for a server: pages that nobody sees must not hold them.
 */
export function whileSeen(open: () => () => void): void {
  let close: (() => void) | undefined;
  const follow = (): void => {
    const isSeen = document.visibilityState !== 'hidden';
    if (isSeen && close === undefined) close = open();
    else if (!isSeen) {
      close?.();
      close = undefined;
    }
  };
  document.addEventListener('visibilitychange', follow);
  follow();
}

/** True while a person writes there. */
export function isWriting(): boolean {
  const at = document.activeElement;
  return at instanceof HTMLElement && at.matches('input:not([type=checkbox]), textarea, select');
}
