/** What a log writer does now, and what it may do next: the picture is at the head of `log-writer.ts`. */

export type WriterMode =
  | 'open'
  | 'refused'
  | 'ending'
  | 'leaving'
  | 'released'
  | 'parking'
  | 'parked'
  | 'lost';

const following: Readonly<Record<WriterMode, readonly WriterMode[]>> = {
  open: ['refused', 'ending', 'leaving', 'parking', 'lost'],
  refused: ['ending', 'lost'],
  ending: ['released', 'refused', 'lost'],
  leaving: ['lost'],
  released: ['lost'],
  parking: ['open', 'parked', 'lost'],
  parked: ['open', 'lost'],
  lost: [],
};

/** The next mode. @throws Error for one that cannot follow: a mistake in pawl. */
export function follow(mode: WriterMode, next: WriterMode): WriterMode {
  if (following[mode].includes(next)) return next;
  throw new Error(`A log writer that is ${mode} cannot become ${next}.`);
}
