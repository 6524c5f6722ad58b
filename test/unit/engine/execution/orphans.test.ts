// Goal: an attached child is not left alone, however late its creation arrives: after its parent was deleted, after it was
// given up, between the look at it and the deletion. Method: a store in memory that holds a creation back until it is told.
import { expect, test } from 'vitest';
import { defineWorkflow } from 'pawl';
import type {
  CreateOutcome,
  CreateParams,
  DeleteOutcome,
  Seen,
} from '../../../../src/core/store.ts';
import { MemoryRunStore } from '../../../../src/memory/run-store.ts';
import { memoryPawl } from '../../../support/memory.ts';

const kid = defineWorkflow({
  name: 'kid',
  run: async (ctx) => {
    await ctx.sleep('1h');
  },
});

function parentOf(attached: boolean) {
  return defineWorkflow({
    name: 'parent',
    run: async (ctx) => {
      await ctx.start(kid, undefined, { attached });
      await ctx.sleep('1h');
    },
  });
}

/** Creations of children arrive when somebody says so; the caller that asked for one gets no answer before. */
class LateStore extends MemoryRunStore {
  readonly held: (() => Promise<CreateOutcome>)[] = [];
  onDelete: () => Promise<unknown> = async () => undefined;

  override create(params: CreateParams): Promise<CreateOutcome> {
    if (params.parent === undefined) return super.create(params);
    return new Promise((resolve) => {
      this.held.push(async () => {
        const outcome = await super.create(params);
        resolve(outcome);
        return outcome;
      });
    });
  }

  override async delete(id: string, data?: Uint8Array, seen?: Seen): Promise<DeleteOutcome> {
    if (id === 'p') await this.onDelete();
    return super.delete(id, data, seen);
  }

  async arrive(): Promise<void> {
    await Promise.all(this.held.map((create) => create()));
  }
}

/** A parent that has asked for its child, and whose worker is gone. */
async function asking(attached: boolean) {
  const store = new LateStore();
  const pawl = memoryPawl({ store }).pawl;
  const parent = parentOf(attached);
  const first = pawl.worker({ workflows: [parent] });
  await pawl.start(parent, undefined, { id: 'p' });
  await expect.poll(() => store.held).toHaveLength(1);
  store.vanish(first.id);
  await pawl.run('p').pause();
  const keeper = pawl.worker({ workflows: [defineWorkflow({ name: 'other', run: () => null })] });
  await expect.poll(async () => (await pawl.run('p').info()).status).toBe('interrupted');
  return { store, pawl, keeper };
}

test('a child whose creation arrives after the deletion of its parent is cancelled', async () => {
  const { store, pawl } = await asking(true);
  await using _ = pawl;
  await pawl.delete('p');
  await store.arrive();
  pawl.worker({ workflows: [kid] });
  await expect.poll(async () => (await pawl.run('p.kid').info()).status).toBe('cancelled');
  expect((await pawl.run('p.kid').info()).error?.message).toContain('is gone');
});

test('one that arrives and begins between the look at it and the deletion is cancelled as well', async () => {
  const { store, pawl } = await asking(true);
  await using _ = pawl;
  pawl.worker({ workflows: [kid] });
  store.onDelete = async () => {
    await store.arrive();
    await expect.poll(async () => (await pawl.run('p.kid').info()).status).toBe('waiting');
  };
  await pawl.delete('p');
  await expect.poll(async () => (await pawl.run('p.kid').info()).status).toBe('cancelled');
});

test('a child whose parent has another birth by now is cancelled', async () => {
  const { store, pawl } = await asking(true);
  await using _ = pawl;
  await pawl.delete('p');
  await pawl.start(kid, undefined, { id: 'p' });
  await store.arrive();
  pawl.worker({ workflows: [kid] });
  await expect.poll(async () => (await pawl.run('p.kid').info()).status).toBe('cancelled');
});

test('a child that is not attached goes on without its parent', async () => {
  const { store, pawl } = await asking(false);
  await using _ = pawl;
  await pawl.delete('p');
  await store.arrive();
  pawl.worker({ workflows: [kid] });
  await expect.poll(async () => (await pawl.run('p.kid').info()).status).toBe('waiting');
});

test('a child that was imported without its parent goes on', async () => {
  const { store, pawl } = await asking(true);
  await using _ = pawl;
  await store.arrive();
  const lines: string[] = [];
  for await (const line of pawl.export('p.kid')) lines.push(line);
  await using elsewhere = memoryPawl().pawl;
  await elsewhere.import(lines);
  elsewhere.worker({ workflows: [kid] });
  await expect.poll(async () => (await elsewhere.run('p.kid').info()).status).toBe('waiting');
});
