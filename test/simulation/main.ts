/**
 * `npm run simulate -- --seed 1 --calls 1000000 [--json]
 * [--trace file]`: one history, its figures, and what went wrong in it.
 */
import { openSync, writeSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { Simulation } from './simulation.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    calls: { type: 'string', default: '1000000' },
    trace: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});

const started = performance.now();
const file = values.trace === undefined ? undefined : openSync(values.trace, 'w');
const simulation = new Simulation({
  seed: Number(values.seed),
  calls: Number(values.calls),
  ...(file === undefined ? {} : { onLine: (line: string) => void writeSync(file, line) }),
});
const figures = await simulation.run();
const seconds = Math.round((performance.now() - started) / 100) / 10;
const isFine = figures.violations.length === 0;

if (values.json) {
  console.log(JSON.stringify({ ...figures, seconds }));
} else {
  const { violations, ...rest } = figures;
  console.log({ ...rest, seconds });
  console.log(isFine ? 'nothing went wrong' : `\n${violations.join('\n')}`);
}
process.exitCode = isFine ? 0 : 1;
