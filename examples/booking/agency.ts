/** Stands for a bank and an agency, which outlive the workers: what they have done is in a file, a line each. */
import { appendFile, readFile } from 'node:fs/promises';
import { pretend } from '../support/pretend.ts';

export async function linesOf(ledger: string): Promise<string[]> {
  const text = await readFile(ledger, { encoding: 'utf8', flag: 'a+' });
  return text.split('\n').filter((line) => line !== '');
}

/** Does it once, however often it is asked for: the line is its key. */
async function once(ledger: string, line: string): Promise<void> {
  await pretend(line);
  if (!(await linesOf(ledger)).includes(line)) await appendFile(ledger, `${line}\n`);
}

export async function charge(ledger: string, cents: number): Promise<string> {
  await once(ledger, `take ${cents} cents`);
  return 'receipt-1';
}

export async function refund(ledger: string, cents: number, receipt = 'no receipt'): Promise<void> {
  await once(ledger, `give back ${cents} cents for ${receipt}`);
}

export async function book(ledger: string, what: string): Promise<string> {
  await once(ledger, `book the ${what}`);
  return what;
}

export async function cancel(ledger: string, what: string): Promise<void> {
  await once(ledger, `cancel the ${what}`);
}
