/**
 * `npm run test:mutations` plants each bug of the list in a copy of the sources. The judges named with it must be content
 * without the bug, and must not be content with it. Exit code 1 when one survives, or is not there; 2 when the command line
 * is wrong.
 */
import { execFileSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { mutants } from './mutants.ts';
import { type Row, withTable } from './page.ts';
import { type Result, Results } from './results.ts';
import { type Verdict, Workshop } from './workshop.ts';

const usage = `npm run test:mutations -- [--only name] [--shard 1/3] [--resume] [--results folder]

  --only     those that have this in their name
  --shard    one part of so many; several parts may run at the same time
  --resume   not again what an earlier pass has found, if its source and its tests are the same
  --page     writes the table of this page anew
  --results  where each verdict is written when it is there (default .build/mutations)
`;

/** The parsed command line; undefined when it is wrong. */
function asked() {
  try {
    const { values } = parseArgs({
      options: {
        only: { type: 'string' },
        shard: { type: 'string', default: '1/1' },
        resume: { type: 'boolean', default: false },
        page: { type: 'string' },
        results: { type: 'string', default: '.build/mutations' },
      },
    });
    const [, part, parts] = (/^(\d+)\/(\d+)$/.exec(values.shard) ?? []).map(Number);
    if (part === undefined || parts === undefined || part < 1 || part > parts) return undefined;
    const named = mutants.filter(({ name }) => name.includes(values.only ?? ''));
    const chosen = named.filter((_, i) => i % parts === part - 1);
    return chosen.length === 0 ? undefined : { ...values, chosen };
  } catch {
    return undefined;
  }
}

function sentence(verdict: Verdict): string {
  if (verdict.verdict === 'found') return `by ${verdict.by.join('; ')}`;
  if (verdict.verdict === 'survived') return `${verdict.judge} is content with it`;
  if (verdict.verdict === 'red without it') return verdict.test;
  return 'the passage is not in its source';
}

function show({ name, verdict, seconds }: Result, note: string): void {
  const mark = verdict.verdict === 'found' ? 'ok    ' : 'FAILED';
  console.log(
    `${mark} ${verdict.verdict}: ${name} (${seconds} s${note})\n       ${sentence(verdict)}`,
  );
}

const options = asked();
if (options === undefined) {
  console.error(usage);
  process.exitCode = 2;
} else {
  const { chosen, resume, page } = options;
  const results = new Results(options.results);
  await using workshop = await Workshop.open();
  const rows: Row[] = [];
  for (const mutant of chosen) {
    const known = resume ? await results.of(mutant) : undefined;
    if (known?.verdict.verdict === 'found') {
      show(known, ', earlier');
      rows.push({ mutant, result: known });
      continue;
    }
    const began = performance.now();
    const verdict = await workshop.try(mutant);
    const seconds = Math.round((performance.now() - began) / 1000);
    const result = await results.note(mutant, verdict, seconds);
    show(result, '');
    rows.push({ mutant, result });
  }
  const found = rows.filter(({ result }) => result.verdict.verdict === 'found').length;
  if (page !== undefined) {
    const git = ['rev-parse', '--short', 'HEAD'];
    const commit = execFileSync('git', git, { encoding: 'utf8' }).trim();
    const about = `${new Date().toISOString().slice(0, 10)}, commit ${commit}`;
    await writeFile(page, withTable(await readFile(page, 'utf8'), rows, about));
  }
  console.log(`${chosen.length} planted, ${found} caught`);
  process.exitCode = found === chosen.length ? 0 : 1;
}
