/**
 * The trial of a chat in full size: `npm run test:chat`. `-- --answers 3 --seed 1` for others. `-- --recorded 100` plays so many
 * recorded conversations instead, some at a time.
 */
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    answers: { type: 'string', default: '50' },
    recorded: { type: 'string' },
    seed: { type: 'string', default: '1' },
  },
});

// 500 words at the pace of a person who reads would take 20 s; the workers take it from here.
process.env['PAWL_CHAT_PACE_MS'] ??= values.recorded === undefined ? '4' : '1';
const seed = Number(values.seed);

async function play() {
  if (values.recorded === undefined) {
    const { trial } = await import('./trial.ts');
    return trial({ answers: Number(values.answers), seed });
  }
  process.env['PAWL_CHAT_MODEL'] = 'recorded';
  const { recordedTrial } = await import('./recorded-trial.ts');
  return recordedTrial({ conversations: Number(values.recorded), seed });
}

const report = await play();
process.stdout.write(`${JSON.stringify(report)}\n`);
process.exitCode = report.violations.length === 0 ? 0 : 1;
