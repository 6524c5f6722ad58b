/**
 * `npm run test:mutations [-- --only name]` plants each bug of the list in a copy of the sources. The judges named with it
 * must be content without the bug, and must not be content with it. Exit code 1 when one survives, or is not there.
 */
import { parseArgs } from 'node:util';
import { type Judge, mutants } from './mutants.ts';
import { nameOf, Workshop } from './workshop.ts';

const { values } = parseArgs({ options: { only: { type: 'string' } } });
const { only } = values;
const chosen = mutants.filter(({ name }) => only === undefined || name.includes(only));
if (chosen.length === 0) throw new Error(`no mutant has "${only}" in its name`);

const judges = new Map<string, Judge>();
for (const judge of chosen.flatMap(({ foundBy }) => foundBy)) judges.set(nameOf(judge), judge);

let failures = 0;
let found = 0;
const say = (isFine: boolean, text: string): void => {
  if (!isFine) failures += 1;
  console.log(`${isFine ? 'ok    ' : 'FAILED'} ${text}`);
};

await using workshop = await Workshop.open();
for (const [name, judge] of judges) {
  say(await workshop.isContent(judge), `content without a bug: ${name}`);
}
for (const mutant of chosen) {
  const began = performance.now();
  const verdict = await workshop.try(mutant);
  if (verdict === 'found') found += 1;
  const seconds = Math.round((performance.now() - began) / 1000);
  const by = mutant.foundBy.map(nameOf).join(', ');
  say(verdict === 'found', `${verdict}: ${mutant.name} (${seconds} s) by ${by}`);
}
console.log(`${chosen.length} planted, ${found} caught`);
process.exitCode = failures === 0 ? 0 : 1;
