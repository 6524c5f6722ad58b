/** The lists of an encrypted store. One value that cannot be opened does not spoil its page: it says so where it is read. */
import type { Cipher } from '../core/cipher.ts';
import type { DeletionPage, DeletionQuery, DeletionRecord } from '../core/deletions.ts';
import type { ListParams, Lists, RunPage } from '../core/lists.ts';
import type { Opening } from './opening.ts';
import { askedPlace } from './places.ts';

export class EncryptedLists implements Lists {
  readonly #lists: Lists;
  readonly #cipher: Cipher;
  readonly #opening: Opening;

  constructor(lists: Lists, cipher: Cipher, opening: Opening) {
    this.#lists = lists;
    this.#cipher = cipher;
    this.#opening = opening;
  }

  async runs(params: ListParams): Promise<RunPage> {
    const { runs, cursor } = await this.#lists.runs(params);
    return { runs: runs.map((run) => this.#opening.summary(run)), cursor };
  }

  async deletions(query: DeletionQuery): Promise<DeletionPage> {
    const { deletions, cursor } = await this.#lists.deletions(query);
    const open = (one: DeletionRecord): Uint8Array =>
      this.#cipher.open(one.data, [askedPlace(one.run, 'delete')]);
    return { deletions: deletions.map((one) => ({ ...one, data: open(one) })), cursor };
  }
}
