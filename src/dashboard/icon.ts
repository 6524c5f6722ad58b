/** The icon of the pages: a ratchet wheel and its pawl, which lets it turn one way only. */
export const icon =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><circle cx="14" cy="18" r="10" fill="#0f766e"/>' +
  '<circle cx="14" cy="18" r="4" fill="#fff"/><path d="M20 4 L30 10 L21 14 Z" fill="#b45309"/></svg>\n';
