/**
 * Puts the programs that tests start as processes into few files, with all that they import: a process then starts in a
 * third of the processor time, and the tests start hundreds of them. Works in place on what `npm run compile` has written to
 * .build, so the programs are found where they ever were.
 *
 *   programs   one file each, packed by itself: its modules are evaluated in the order of its imports, since some change
 *              the clock before anything else is loaded
 *   examples   every file stays, since some are named at runtime; what they import of packages is shared by all of them
 */
import { readdirSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const build = fileURLToPath(new URL('../.build/', import.meta.url));

/** Programs below .build. */
const programs = [
  'src/cli/main',
  'test/chaos/fairness/worker-process',
  'test/chaos/matrix/worker-process',
  'test/chaos/poison/worker-process',
  'test/support/blobs-main',
  'test/support/closing-main',
  'test/support/file-loop',
  'test/support/many-main',
  'test/support/thread-main',
  'test/simulation/main',
  'test/simulation/planted-main',
  'test/support/worker-main',
];
/** What a program starts or loads by its place beside itself, and where it comes from. */
const beside = { 'src/cli/main': { 'drill-worker': 'src/drill-worker' } };
/** Loaded when it is needed, if it is there: a native addon, the client of Docker, and bull-board. */
const optional = ['msgpackr-extract', 'testcontainers', /^@bull-board\//];

async function write({ name, input, folder }) {
  const top = join(build, folder);
  const placeOf = (files) => {
    const [own = top] = files.filter((file) => file.startsWith(top)).map(dirname);
    return own === top ? '' : `${relative(top, own)}/`;
  };
  const bundle = await rolldown({
    input,
    platform: 'node',
    external: optional,
    onLog(_level, log) {
      throw new Error(`rolldown: ${name}: ${log.message}`);
    },
  });
  await bundle.write({
    dir: top,
    format: 'esm',
    entryFileNames: '[name].js',
    // Beside the file it was made of, which may look for others beside itself.
    chunkFileNames: ({ moduleIds }) => `${placeOf(moduleIds)}${name}-packed-[name].js`,
  });
  await bundle.close();
}

function packProgram(program) {
  const name = basename(program);
  const files = Object.entries({ [name]: program, ...beside[program] });
  const input = Object.fromEntries(files.map(([as, file]) => [as, join(build, `${file}.js`)]));
  return write({ name, input, folder: dirname(program) });
}

function packExamples() {
  const folder = join(build, 'examples');
  const files = readdirSync(folder, { recursive: true })
    .filter((file) => file.endsWith('.js') && !file.includes('-packed-'))
    .map((file) => [file.slice(0, -'.js'.length), join(folder, file)]);
  return write({ name: 'examples', input: Object.fromEntries(files), folder: 'examples' });
}

await Promise.all([...programs.map(packProgram), packExamples()]);
