/** The world outside of the workflow: a bank and a warehouse. Yours are behind HTTP; these are in this process. */
import { setTimeout as pause } from 'node:timers/promises';

/** How long it takes to pack one parcel; tests need no real time. */
export const pace = { packMs: 1_000 };

/** What the bank has taken, by the key of each payment. */
export const payments = new Map<string, number>();

/** A bank that knows its keys takes the money of one payment once, however often it is asked. */
export async function charge(amount: number, key: string): Promise<string> {
  payments.set(key, amount);
  return `payment of ${amount}`;
}

export async function pack(parcel: number, signal: AbortSignal): Promise<string> {
  await pause(pace.packMs, undefined, { signal });
  return `parcel ${parcel}`;
}
