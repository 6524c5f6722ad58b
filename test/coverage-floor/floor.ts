/** How much of a folder the tests reach, added up from its files, and whether that has fallen. */
import { relative, sep } from 'node:path';

export interface Share {
  readonly lines: number;
  readonly branches: number;
}

interface Count {
  readonly total: number;
  readonly covered: number;
}

/** The summary that vitest writes: a file's path and its counts. */
export type Summary = Readonly<Record<string, { readonly lines: Count; readonly branches: Count }>>;

/** Folder of `src` → percent. */
export type Shares = Readonly<Record<string, Share>>;

/**
 * Below the measured share by this, in points. Some lines are reached only when two things meet in time, so two runs of the
 * same tests differ a little.
 */
const slack = 0.5;

export function sharesOf(summary: Summary, root: string, folders: readonly string[]): Shares {
  return Object.fromEntries(
    folders.map((folder) => {
      const files = Object.entries(summary).filter(([path]) =>
        relative(root, path).split(sep).join('/').startsWith(`src/${folder}/`),
      );
      if (files.length === 0) throw new Error(`no file of src/${folder} was measured`);
      const percent = (kind: 'lines' | 'branches'): number => {
        const sum = (part: keyof Count): number =>
          files.reduce((all, [, counts]) => all + counts[kind][part], 0);
        return Math.floor((sum('covered') / sum('total')) * 1_000) / 10;
      };
      return [folder, { lines: percent('lines'), branches: percent('branches') }];
    }),
  );
}

/** What is recorded when a share was measured. */
export function floorsOf(shares: Shares): Shares {
  const lower = (percent: number): number => Math.round((percent - slack) * 10) / 10;
  return Object.fromEntries(
    Object.entries(shares).map(([folder, { lines, branches }]) => [
      folder,
      { lines: lower(lines), branches: lower(branches) },
    ]),
  );
}

/** What has fallen, in words. A folder without a floor has fallen as well: nobody may forget to record it. */
export function fallen(shares: Shares, floors: Shares): string[] {
  return Object.entries(shares).flatMap(([folder, share]) => {
    const floor = floors[folder];
    if (floor === undefined) return [`src/${folder} has no floor; --record writes one`];
    return (['lines', 'branches'] as const)
      .filter((kind) => share[kind] < floor[kind])
      .map(
        (kind) =>
          `src/${folder}: ${share[kind]} % of its ${kind}, and the floor is ${floor[kind]} %`,
      );
  });
}
