// Packages of a Debian suite that this machine does not have, by apt with folders of its own: nothing is installed, and
// neither the lists nor the configuration of the machine change. The mirror is the machine's own.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Unavailable } from './catalogue.mjs';

const run = promisify(execFile);
const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';
/** A mirror that says nothing for this long is away. */
const silenceSeconds = 20;
/** Libraries come from the same suite as the program, since they may be newer than the machine's. */
const isLibrary = (name) => /^(lib|lua-|zlib1g)/.test(name);
const firstLine = (text) => text.trim().split('\n')[0];

async function aptOf(args, options) {
  try {
    const env = { ...process.env, LC_ALL: 'C' };
    const { stdout } = await run(args[0], args.slice(1), { ...options, env, maxBuffer: 1e8 });
    return stdout;
  } catch (error) {
    if (error.code === 'ENOENT') {
      throw new Unavailable(
        `There is no ${args[0]} here: this is not Debian. Set PAWL_REDIS_SERVER to a server's binary instead.`,
        { cause: error },
      );
    }
    throw new Unavailable(
      `${args.join(' ').slice(0, 60)}… failed, is there a network? ${firstLine(error.stderr || error.message)}`,
      { cause: error },
    );
  }
}

/** The archive that this machine's apt takes Debian from. */
async function mirror() {
  const format = '$(REPO_URI) $(RELEASE) $(COMPONENT)';
  const ask = ['apt-get', 'indextargets', '--format', format, 'Created-By: Packages'];
  const release = await readFile('/etc/os-release', 'utf8').catch(() => '');
  const codename = /^VERSION_CODENAME=(.*)$/m.exec(release)?.[1];
  const lines = (await aptOf(ask)).split('\n').map((line) => line.split(' '));
  const found = lines.find(
    ([, suite, component]) =>
      component === 'main' && [codename, 'stable', 'testing', 'unstable'].includes(suite),
  );
  if (found === undefined || !/^ID=debian$/m.test(release)) {
    throw new Unavailable(
      "This machine's apt has no Debian archive. Set PAWL_REDIS_SERVER to a server's binary instead.",
    );
  }
  return found[0];
}

/** Opens the suites in `folder`; lists and downloads are there and nowhere else. */
export async function openSuites(folder, suites) {
  const from = await mirror();
  for (const part of ['lists/partial', 'archives/partial', 'debs']) {
    await mkdir(join(folder, part), { recursive: true });
  }
  const signed = existsSync(keyring) ? `[signed-by=${keyring}] ` : '';
  const sources = suites.map((suite) => `deb ${signed}${from} ${suite} main\n`);
  await writeFile(join(folder, 'sources.list'), sources.join(''));
  await writeFile(join(folder, 'status'), '');
  const settings = {
    'Dir::Etc::sourcelist': join(folder, 'sources.list'),
    'Dir::Etc::sourceparts': '/dev/null',
    'Dir::Etc::preferences': '/dev/null',
    'Dir::Etc::preferencesparts': '/dev/null',
    'Dir::State::lists': join(folder, 'lists'),
    'Dir::State::status': join(folder, 'status'),
    'Dir::Cache': folder,
    'Acquire::Languages': 'none',
    'Acquire::Retries': '2',
    'Acquire::http::Timeout': silenceSeconds,
    'Acquire::https::Timeout': silenceSeconds,
    'APT::Sandbox::User': '',
    'APT::Update::Error-Mode': 'any',
  };
  const options = Object.entries(settings).flatMap(([key, value]) => ['-o', `${key}=${value}`]);
  await aptOf(['apt-get', 'update', '-qq', ...options]);
  const [suite] = suites;
  return {
    /** The version of a package, without Debian's own marks; undefined where the suite has none. */
    async version(name) {
      const shown = await aptOf(['apt-cache', 'show', ...options, `${name}/${suite}`]).catch(
        () => '',
      );
      return /^Version: (?:\d+:)?([\d.]+)/m.exec(shown)?.[1];
    },
    /** The libraries that packages need, and those that these need. */
    async libraries(names) {
      const known = new Set();
      for (let wave = names; wave.length > 0;) {
        const shown = await aptOf(['apt-cache', 'depends', ...options, ...wave]);
        const needed = [...shown.matchAll(/^ [ |](?:Pre)?Depends: (\S+)$/gm)].map(
          ([, name]) => name,
        );
        wave = [...new Set(needed)].filter((name) => isLibrary(name) && !known.has(name));
        for (const name of wave) known.add(name);
      }
      return [...known];
    },
    /** Unpacks packages below a folder; those of `names` from the first suite. */
    async unpack(names, libraries, into) {
      const debs = join(folder, 'debs');
      const wanted = [...names.map((name) => `${name}/${suite}`), ...libraries];
      await aptOf(['apt-get', 'download', '-qq', ...options, ...wanted], { cwd: debs });
      for (const file of await readdir(debs)) await run('dpkg', ['-x', join(debs, file), into]);
    },
  };
}
