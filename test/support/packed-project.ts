/**
 * A new project after `npm install pawl`, without the network: the packed package, and copies of the packages that npm would
 * put beside it, with their versions and places in this repository. Nothing in it can see the repository's own packages.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const root = fileURLToPath(new URL('../../', import.meta.url));
const run = promisify(execFile);

interface Manifest {
  readonly name: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>;
}

export interface InstalledPackage {
  readonly name: string;
  /** What its files take on the disk, without the packages inside of it. */
  readonly bytes: number;
}

export async function newPackedProject(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'pawl-package-'));
  // The scripts are left out: `npm test` has built dist already, and another test may be reading it.
  const pack = ['pack', '--ignore-scripts', '--json', '--pack-destination', folder];
  const { stdout } = await run('npm', pack, { cwd: root });
  const [report] = Object.values(JSON.parse(stdout) as Record<string, { filename: string }>);
  const pawl = join(folder, 'node_modules/pawl');
  await mkdir(pawl, { recursive: true });
  await run('tar', [
    '-xzf',
    join(folder, report?.filename ?? ''),
    '-C',
    pawl,
    '--strip-components=1',
  ]);

  const wanted = new Set<string>();
  await addNeeds(root, wanted);
  const isOwn = (path: string): boolean => basename(path) !== 'node_modules';
  for (const place of wanted) {
    await cp(place, join(folder, relative(root, place)), { recursive: true, filter: isOwn });
  }
  return folder;
}

/** A package of this repository, beside those that are there, as `npm install` would put it there under another name. */
export async function addPackage(
  folder: string,
  { name, as }: { readonly name: string; readonly as: string },
): Promise<void> {
  const from = join(root, 'node_modules', name);
  const places = new Set([from]);
  await addNeeds(from, places);
  // Nobody reads maps here, and they are the half of some packages.
  const isOwn = (path: string): boolean =>
    basename(path) !== 'node_modules' && !path.endsWith('.map');
  await rm(join(folder, 'node_modules', as), { recursive: true, force: true });
  for (const place of places) {
    const inside = relative(from, place);
    const to = inside.startsWith('..') ? relative(root, place) : join('node_modules', as, inside);
    await cp(place, join(folder, to), { recursive: true, filter: isOwn });
  }
}

async function readManifest(folder: string): Promise<Manifest> {
  return JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as Manifest;
}

/** Adds the places of all packages that the one in `folder` needs, and of those that they need. */
async function addNeeds(folder: string, places: Set<string>): Promise<void> {
  const manifest = await readManifest(folder);
  const optional = Object.keys(manifest.optionalDependencies ?? {});
  const peers = Object.keys(manifest.peerDependencies ?? {}).filter(
    (name) => manifest.peerDependenciesMeta?.[name]?.optional !== true,
  );
  for (const name of new Set([
    ...Object.keys(manifest.dependencies ?? {}),
    ...optional,
    ...peers,
  ])) {
    const place = placeOf(name, folder);
    if (place === undefined) {
      if (optional.includes(name)) continue; // it is for another platform
      throw new Error(`${manifest.name} needs ${name}, which is not installed: run \`npm ci\`.`);
    }
    if (places.has(place)) continue;
    places.add(place);
    await addNeeds(place, places);
  }
}

/** Where Node finds the package for a module in `folder`. */
function placeOf(name: string, folder: string): string | undefined {
  const place = join(folder, 'node_modules', name);
  if (existsSync(join(place, 'package.json'))) return place;
  return folder === root || dirname(folder) === folder ? undefined : placeOf(name, dirname(folder));
}

/** All packages in the node_modules of a project, and in those of its packages. */
export async function installedPackages(project: string): Promise<InstalledPackage[]> {
  const modules = join(project, 'node_modules');
  if (!existsSync(modules)) return [];
  const names = (await readdir(modules)).filter((name) => !name.startsWith('.'));
  const scoped = names
    .filter((name) => name.startsWith('@'))
    .map(async (scope) => (await readdir(join(modules, scope))).map((name) => `${scope}/${name}`));
  const all = [
    ...names.filter((name) => !name.startsWith('@')),
    ...(await Promise.all(scoped)).flat(),
  ];
  const found = all.map(async (name) => {
    const place = join(modules, name);
    return [{ name, bytes: await bytesOf(place) }, ...(await installedPackages(place))];
  });
  return (await Promise.all(found)).flat();
}

async function bytesOf(folder: string): Promise<number> {
  const block = 512;
  let bytes = (await stat(folder)).blocks * block;
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) bytes += entry.name === 'node_modules' ? 0 : await bytesOf(path);
    else bytes += (await stat(path)).blocks * block;
  }
  return bytes;
}
