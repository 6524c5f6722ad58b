/** Many tracks as few: those of one kind and name are put together, and of what is too much still, the last are shown. */
import type { Track } from './timeline.ts';

const tracksMax = 40;

/** The name without its numbers: `ocr:17` and `ocr:18` are `ocr:*`. */
function family({ name, kind }: Track): string {
  return `${kind} ${name.replaceAll(/\d+/g, '*')}`;
}

export function grouped(tracks: readonly Track[]): {
  readonly tracks: readonly Track[];
  /** Tracks that are not shown. */
  readonly left: number;
} {
  if (tracks.length <= tracksMax) return { tracks, left: 0 };
  const families = new Map<string, Track[]>();
  for (const track of tracks) {
    const name = family(track);
    const known = families.get(name);
    if (known === undefined) families.set(name, [track]);
    else known.push(track);
  }
  const together = [...families.values()].map((members): Track => {
    const [first] = members;
    if (first === undefined || members.length === 1) return members[0] as Track;
    const { run: _, ...track } = first;
    return {
      ...track,
      name: first.name.replaceAll(/\d+/g, '*'),
      bars: members.flatMap(({ bars }) => bars),
      attempts: Math.max(...members.map(({ attempts }) => attempts)),
      members: members.length,
    };
  });
  const shown = together.slice(-tracksMax);
  return { tracks: shown, left: together.length - shown.length };
}
