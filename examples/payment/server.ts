/**
 * Stands for a payment server. Its ledger is a file, so it outlives the workers, as a real one would. Between taking the
 * money and the answer it pauses: there the examples kill the worker, which is the worst moment there is.
 */
import { appendFile, readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

interface Entry {
  readonly order: string;
  readonly cents: number;
  readonly key?: string;
  readonly receipt: string;
}

const answerMs = 400;

export async function entriesOf(ledger: string): Promise<Entry[]> {
  // Opened for appending as well, which makes the file when it is not there.
  const text = await readFile(ledger, { encoding: 'utf8', flag: 'a+' });
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Entry);
}

/** Takes money; the second time with the same key it returns the first receipt and takes nothing. */
export async function charge(
  ledger: string,
  payment: { readonly order: string; readonly cents: number; readonly key?: string },
): Promise<string> {
  const { order, cents, key } = payment;
  console.log(`server: asked to charge ${order}`);
  const entries = await entriesOf(ledger);
  const known = key === undefined ? undefined : entries.find((entry) => entry.key === key);
  if (known !== undefined) {
    console.log(`server: knows the key of ${order}, takes nothing`);
    return known.receipt;
  }
  const receipt = `receipt-${entries.length + 1}`;
  await appendFile(ledger, `${JSON.stringify({ ...payment, receipt })}\n`);
  console.log(`server: took ${cents} cents for ${order}`);
  await sleep(answerMs);
  return receipt;
}

/** Brings a payment to a stage. A stage it has reached already is left as it is: this may be repeated by its nature. */
export async function advance(
  ledger: string,
  payment: { readonly order: string; readonly cents: number },
  stage: 'reserved' | 'captured',
): Promise<void> {
  const receipt = `${payment.order} ${stage}`;
  console.log(`server: asked for ${receipt}`);
  if ((await entriesOf(ledger)).some((entry) => entry.receipt === receipt)) {
    console.log(`server: ${receipt} already, changes nothing`);
    return;
  }
  await appendFile(ledger, `${JSON.stringify({ ...payment, receipt })}\n`);
  console.log(`server: now ${receipt}`);
  await sleep(answerMs);
}
