/** The trial of a chat in full size: `npm run test:chat`. `-- --answers 3 --seed 1` for others. */
import { parseArgs } from 'node:util';
import { trial } from './trial.ts';

const { values } = parseArgs({
  options: { answers: { type: 'string', default: '50' }, seed: { type: 'string', default: '1' } },
});

// 500 words at the pace of a person who reads would take 20 s; the workers take it from here.
process.env['PAWL_CHAT_PACE_MS'] ??= '4';
const report = await trial({ answers: Number(values.answers), seed: Number(values.seed) });
process.stdout.write(`${JSON.stringify(report)}\n`);
process.exitCode = report.violations.length === 0 ? 0 : 1;
