/** `npm run fuzz -- --programs N --seed S [--json]`: random programs under random faults. Exit code 1 for a violation. */
import { parseArgs } from 'node:util';
import { judge } from './judge.ts';

const { values } = parseArgs({
  options: {
    programs: { type: 'string', default: '1000' },
    seed: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
  },
});

const verdict = await judge({ programs: Number(values.programs), seed: Number(values.seed) });
if (values.json) {
  console.log(JSON.stringify(verdict));
} else {
  const { programs, crashes, violations } = verdict;
  console.log(`${programs} programs, ${crashes} crashes, ${violations.length} violations`);
  for (const { seed, what, program } of violations) {
    console.log(`seed ${seed}: ${what}\n  ${JSON.stringify(program)}`);
  }
}
process.exit(verdict.violations.length > 0 ? 1 : 0);
