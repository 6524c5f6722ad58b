// A folder with one server in each of its folders. A server is made in a folder that is named after the process that makes
// it, and gets its own name when it has answered. A crash leaves such a folder, which the next call removes.
import { execFile } from 'node:child_process';
import { chmod, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { openSuites } from './apt.mjs';
import { Unavailable } from './catalogue.mjs';

const run = promisify(execFile);

/** PAWL_SERVERS_DIR, or a folder of the user's cache. */
function cacheFolder() {
  const named = process.env['PAWL_SERVERS_DIR'];
  if (named) return named;
  return join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'pawl', 'servers');
}

/** The binary of a server, whether it is there or not. */
export function binaryOf({ name, program }) {
  return join(cacheFolder(), name, 'bin', `${program}-server`);
}

/** The binary of a server, which is brought where it is missing. Rejects with what to do when that cannot be. */
export async function provideServer(server, say) {
  const binary = binaryOf(server);
  const cache = cacheFolder();
  await mkdir(cache, { recursive: true });
  await removeLeftovers(cache);
  if (existsSync(binary)) return binary;
  say(`Bringing ${server.name} from Debian's ${server.suite} to ${cache}`);
  const partial = join(cache, `.partial-${process.pid}-${server.name}`);
  try {
    await build(server, partial);
    await rename(partial, join(cache, server.name)).catch((error) => {
      // Another process was faster; a folder that is not empty is not replaced.
      if (!existsSync(binary)) throw error;
    });
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
  return binary;
}

async function removeLeftovers(cache) {
  for (const entry of await readdir(cache)) {
    const pid = /^\.partial-(\d+)-/.exec(entry)?.[1];
    if (pid !== undefined && !isRunning(Number(pid))) {
      await rm(join(cache, entry), { recursive: true, force: true });
    }
  }
}

function isRunning(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

async function build({ name, program, version, suite, base }, folder) {
  const work = join(folder, 'apt');
  await mkdir(work, { recursive: true });
  const packages = [`${program}-server`, `${program}-tools`];
  const suites = await openSuites(work, base === undefined ? [suite] : [suite, base]);
  const found = await suites.version(packages[0]);
  if (found === undefined || !`${found}.`.startsWith(`${version}.`)) {
    throw new Unavailable(
      `Debian's ${suite} has ${program} ${found ?? 'no more'}, not ${version}: change tools/servers/catalogue.mjs.`,
    );
  }
  const libraries = await suites.libraries(packages);
  await suites.unpack(packages, libraries, join(folder, 'root'));
  await rm(work, { recursive: true });
  await rm(join(folder, 'root/usr/share'), { recursive: true, force: true });
  await writeStarter(folder, program);
  const starter = join(folder, 'bin', `${program}-server`);
  const { stdout } = await run(starter, ['--version']).catch((cause) => {
    throw new Unavailable(`${name} does not start here: ${cause.message}`, { cause });
  });
  if (!stdout.includes(`v=${version}.`)) throw new Unavailable(`${name} says it is ${stdout}`);
}

/** A program that runs the server with the libraries beside it. It becomes the server: its process id is the server's. */
async function writeStarter(folder, program) {
  const libraries = [];
  for (const parent of ['usr/lib', 'lib']) {
    const entries = await readdir(join(folder, 'root', parent)).catch(() => []);
    for (const entry of entries) {
      if (/-linux-gnu/.test(entry)) libraries.push(`${parent}/${entry}`);
    }
  }
  let loader;
  for (const library of libraries) {
    const files = await readdir(join(folder, 'root', library));
    const file = files.find((one) => /^ld-linux.*\.so\.\d+$/.test(one));
    if (file !== undefined) loader = `${library}/${file}`;
  }
  if (loader === undefined)
    throw new Unavailable('The packages have no C library for this machine.');
  const bin = join(folder, 'bin');
  await mkdir(bin);
  const path = libraries.map((library) => `$root/${library}`).join(':');
  const server = `${program}-server`;
  const script = [
    '#!/bin/sh',
    'root="${0%/*}/../root"',
    `exec "$root/${loader}" --argv0 ${server} --library-path "${path}" "$root/usr/bin/${server}" "$@"`,
  ];
  await writeFile(join(bin, server), `${script.join('\n')}\n`);
  await chmod(join(bin, server), 0o755);
}
