/**
 * A database in a folder, for the example: one file is one row, and one rename is one transaction. Yours is the one you
 * have; the column `pending` is the outbox.
 */
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface Order {
  readonly id: string;
  readonly cents: number;
  /** The run of this order was not started yet, as far as the database knows. */
  readonly pending: boolean;
}

export class Shop {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** The order and the wish to start its run, in one transaction: there is never one without the other. */
  async order(id: string, cents: number): Promise<void> {
    await this.#write('orders', id, { id, cents, pending: true });
  }

  async pending(): Promise<Order[]> {
    return (await this.#rows<Order>('orders')).filter(({ pending }) => pending);
  }

  async started(orders: readonly Order[]): Promise<void> {
    for (const order of orders) await this.#write('orders', order.id, { ...order, pending: false });
  }

  /** Written by key: a second time changes nothing. */
  async receipt(id: string, text: string): Promise<void> {
    await this.#write('receipts', id, { text });
  }

  async receipts(): Promise<number> {
    return (await this.#rows('receipts')).length;
  }

  async #rows<Row>(table: string): Promise<Row[]> {
    const folder = join(this.#folder, table);
    await mkdir(folder, { recursive: true });
    const names = (await readdir(folder)).filter((name) => name.endsWith('.json')).toSorted();
    const texts = await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')));
    return texts.map((text) => JSON.parse(text) as Row);
  }

  async #write(table: string, id: string, row: object): Promise<void> {
    const place = join(this.#folder, table, id);
    await mkdir(join(this.#folder, table), { recursive: true });
    const draft = `${place}.${process.pid}.draft`;
    await writeFile(draft, JSON.stringify(row));
    await rename(draft, `${place}.json`);
  }
}
