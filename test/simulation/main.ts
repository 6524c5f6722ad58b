/**
 * `npm run simulate -- --seed 1 --calls 1000000 [--json]
 * [--trace file] [--plant name] [--end-ms 700000]`: one history, its figures, and what went wrong in it.
 */
import { openSync, writeSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { type Plant, Simulation } from './simulation.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    calls: { type: 'string', default: '1000000' },
    trace: { type: 'string' },
    plant: { type: 'string' },
    'end-ms': { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});

const started = performance.now();
const file = values.trace === undefined ? undefined : openSync(values.trace, 'w');
/** Read when it is asked for: a plant must fit the scripts, which a planted mutant has changed. */
const planted = async (name: string): Promise<Plant> => {
  const plant = (await import('./plants.ts')).plants[name];
  if (plant === undefined) throw new Error(`there is no plant "${name}"`);
  return plant;
};
const simulation = new Simulation({
  seed: Number(values.seed),
  calls: Number(values.calls),
  ...(values.plant === undefined ? {} : { plant: await planted(values.plant) }),
  ...(values['end-ms'] === undefined ? {} : { endMs: Number(values['end-ms']) }),
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
