// `npm run test:langgraph`: LangGraph's own suite over the saver, and the saver's own tests, with both versions of
// LangGraph's package, on one server and in a Cluster. A table says how many passed; a test that was skipped is a failure.
// Without names it runs on the server of the machine; with names on those servers, with --all on each that can be had.
import { parseArgs } from 'node:util';
import { provideServer } from './servers/cache.mjs';
import { catalogue, Unavailable } from './servers/catalogue.mjs';
import { installed, versionOf } from './servers/installed.mjs';
import { runTests } from './servers/trial.mjs';

const official = 726;
const names = ['installed', ...catalogue.map(({ name }) => name)];
const usage = `npm run test:langgraph -- [--all] [name ...]

  name   ${names.join(', ')} (default installed)
  --all  every server that can be had
`;
const say = (line) => console.error(line);

const checkpoints = [
  { version: '1.1', env: { PAWL_LANGGRAPH_CHECKPOINT: '1.1' } },
  { version: '1.2', env: {} },
];
const parts = [
  { part: 'suite, one server', files: ['official.test'], wanted: official },
  { part: 'suite, Cluster', files: ['official-cluster.test'], wanted: official },
  { part: 'tests of pawl', files: ['complaints', 'threads'], wanted: undefined },
];

async function binaryOf(name) {
  const server = catalogue.find((one) => one.name === name);
  return server === undefined ? installed() : provideServer(server, say);
}

/** Whether all went well on a server; prints a line for each part. */
async function isFineOn(name, isNamed) {
  let binary;
  try {
    binary = await binaryOf(name);
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error;
    console.log(`${name.padEnd(12)} cannot be had. ${error.message}`);
    return !isNamed;
  }
  const server = versionOf(binary).padEnd(16);
  let isFine = true;
  for (const { version, env } of checkpoints) {
    for (const { part, files, wanted } of parts) {
      const result = await runTests(binary, ['--project', 'langgraph', ...files], env);
      const { passed, skipped, failed, problems } = result;
      const counts = `${passed} passed, ${failed} failed, ${skipped} skipped`;
      console.log(`${server} checkpoint ${version}  ${part.padEnd(18)} ${counts}`);
      for (const problem of problems) say(`FAILED on ${name}: ${String(problem)}`);
      isFine &&=
        passed === (wanted ?? passed) &&
        passed > 0 &&
        failed === 0 &&
        skipped === 0 &&
        problems.length === 0;
    }
  }
  return isFine;
}

let asked;
try {
  asked = parseArgs({ options: { all: { type: 'boolean' } }, allowPositionals: true });
} catch (error) {
  say(error.message);
}
if (asked === undefined || asked.positionals.some((name) => !names.includes(name))) {
  say(usage);
  process.exitCode = 2;
} else {
  const { positionals, values } = asked;
  const chosen = values.all ? names : positionals.length > 0 ? positionals : ['installed'];
  let isFine = true;
  for (const name of chosen) isFine = (await isFineOn(name, positionals.includes(name))) && isFine;
  console.log(isFine ? 'All of it passed; nothing was skipped.' : 'Not all of it passed.');
  process.exitCode = isFine ? 0 : 1;
}
