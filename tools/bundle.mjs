/**
 * Bundles the command line and the pages with the packages that only they need, after tsc has written dist. So whoever
 * installs pawl installs what the engine needs, and both work at once; docs/decisions/020 has the reasons.
 *
 *   dist/cli/main.js, dashboard.js, mcp.js   as before, with those packages in them
 *   dist/bundled/                         what the two share, what is loaded when it is needed, and all the licences
 *
 * What package.json names as a dependency, or as a peer, is imported as ever; so are the other modules of dist, or there
 * would be a second class `PawlError`. The new files are written before the old ones go: a build that dies leaves either.
 */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = join(root, 'dist');
const { dependencies, peerDependencies } = readJson(join(root, 'package.json'));
const installed = Object.keys({ ...dependencies, ...peerDependencies });

/** Packages that somebody has installed, and pawl's own modules that others import as well. */
function isExternal(id) {
  if (isBuiltin(id) || installed.some((name) => id === name || id.startsWith(`${name}/`)))
    return true;
  const inDist = relative(dist, id).split(sep).join('/');
  return id.startsWith(dist) && !/^(cli|dashboard|mcp)[./]/.test(inDist);
}

function readJson(file) {
  return JSON.parse(readFileSync(file, 'utf8'));
}

/** The folder of the package that a module is from; undefined for one of pawl's own. */
function packageOf(module) {
  return /^.*[\\/]node_modules[\\/](?:@[^\\/]+[\\/])?[^\\/]+/.exec(module)?.[0];
}

/** Name, licence and its text, as those who wrote the package want it. */
function licenceOf(folder) {
  const { name, version, license } = readJson(join(folder, 'package.json'));
  const file = readdirSync(folder).find((one) => /^licen[cs]e/i.test(one));
  if (file === undefined)
    throw new Error(`${name} has no licence beside it, so it is not bundled.`);
  return `${name} ${version} (${license})\n\n${readFileSync(join(folder, file), 'utf8').trim()}\n`;
}

/** All files below a folder of dist, by their names in dist. */
function filesIn(folder) {
  return readdirSync(join(dist, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(dist, join(entry.parentPath, entry.name)).split(sep).join('/'));
}

const bundle = await rolldown({
  cwd: root,
  input: {
    'cli/main': join(dist, 'cli/main.js'),
    dashboard: join(dist, 'dashboard.js'),
    mcp: join(dist, 'mcp.js'),
  },
  platform: 'node',
  external: isExternal,
  onLog(_level, log) {
    throw new Error(`rolldown: ${log.message}`);
  },
});
const { output } = await bundle.write({
  dir: dist,
  format: 'esm',
  entryFileNames: '[name].js',
  chunkFileNames: 'bundled/[name].js',
});
await bundle.close();

const folders = new Set(output.flatMap((chunk) => chunk.moduleIds.map(packageOf)));
folders.delete(undefined);
const licences = [...folders].map(licenceOf).toSorted();
writeFileSync(join(dist, 'bundled/LICENSES.txt'), licences.join('\n----\n\n'));

const written = new Set([...output.map(({ fileName }) => fileName), 'bundled/LICENSES.txt']);
// The types of the pages are public, those of the command line are not.
const replaced = [
  ...filesIn('cli'),
  ...filesIn('bundled'),
  ...filesIn('dashboard').filter((name) => !name.endsWith('.d.ts')),
  ...filesIn('mcp').filter((name) => !name.endsWith('.d.ts')),
].filter((name) => !written.has(name));
for (const name of replaced) rmSync(join(dist, name));
