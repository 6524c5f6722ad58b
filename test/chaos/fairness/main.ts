/**
 * The trial of fairness in full size: `npm run test:fairness`. Tenants with 100,000, 1,000 and 10 runs, four workers, and a
 * kill every two seconds. `-- --runs 1000,100,5 --seconds 20 --work 50 --seed 1` for others.
 */
import { parseArgs } from 'node:util';
import { trial } from './trial.ts';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '100000,1000,10' },
    seconds: { type: 'string', default: '60' },
    work: { type: 'string', default: '50' },
    seed: { type: 'string', default: '1' },
  },
});

const report = await trial({
  seed: Number(values.seed),
  runs: values.runs.split(',').map(Number),
  workers: 4,
  killEveryMs: 2_000,
  workMs: Number(values.work),
  seconds: Number(values.seconds),
});
process.stdout.write(`${JSON.stringify(report, undefined, 2)}\n`);
process.exitCode = report.violations.length === 0 ? 0 : 1;
