/**
 * A session in a handler. The SDK reads and writes the history beside the calls of the model, and a handler that is called
 * again would do so once more. So each call is a step: what was read comes from the log, and what was written is not
 * written again.
 *
 * Crash between a write and the end of its step: the write is made again, with the same id, and the session knows it.
 */
import type {
  AgentInputItem,
  Session,
  SessionHistoryTransactionAwareSession,
} from '@openai/agents';
import type { AgentCalls, CallBody } from '../agents/calls.ts';

type Transacting = SessionHistoryTransactionAwareSession;
type Transaction = Parameters<Transacting['applyHistoryTransaction']>[0];

export function durableSession(calls: AgentCalls, session: Session): Session {
  let count = 0;
  /** What the SDK calls an operation, by the id that the session knows. The SDK makes another one when it runs again. */
  const operations = new Map<string, string>();
  const say = <Result>(body: CallBody<Result>): Promise<Result> => {
    count += 1;
    return calls.say(`session:${count - 1}`, body);
  };
  const apply = async (
    transacting: Transacting,
    operationId: string,
    transaction: Transaction['transaction'],
  ): Promise<void> => {
    await transacting.applyHistoryTransaction({ operationId, transaction });
  };
  const own: Partial<Transacting & { applyHistoryMutations(args: unknown): Promise<void> }> = {
    getItems: (limit) => say(() => session.getItems(limit)),
    addItems: (items) =>
      say(async ({ idempotencyKey }) => {
        if (!isTransacting(session)) await session.addItems(items);
        else await apply(session, idempotencyKey, { type: 'append_items', items });
      }),
    clearSession: () => say(() => session.clearSession()),
    async popItem() {
      if (!isTransacting(session)) return say(() => session.popItem());
      const [last] = await say(() => session.getItems(1));
      if (last === undefined) return undefined;
      const transaction = {
        type: 'replace_suffix' as const,
        expectedSuffix: [last],
        replacement: [],
      };
      await say(({ idempotencyKey }) => apply(session, idempotencyKey, transaction));
      return last;
    },
    ...(session.replaceHistoryWithCompaction && {
      replaceHistoryWithCompaction: (items: AgentInputItem[]) =>
        say(async () => session.replaceHistoryWithCompaction?.(items)),
    }),
    ...(isTransacting(session) && {
      applyHistoryTransaction: ({ operationId, transaction }: Transaction) =>
        say(({ idempotencyKey }) => {
          const known = operations.get(operationId) ?? idempotencyKey;
          operations.set(operationId, known);
          return apply(session, known, transaction);
        }),
    }),
    ...('applyHistoryMutations' in session && {
      applyHistoryMutations: (args: unknown) =>
        say(() => (session.applyHistoryMutations as (given: unknown) => Promise<void>)(args)),
    }),
  };
  return new Proxy(session, {
    get(target, key) {
      const value: unknown = Reflect.get(Object.hasOwn(own, key) ? own : target, key);
      return typeof value === 'function' && !Object.hasOwn(own, key) ? value.bind(target) : value;
    },
  });
}

function isTransacting(session: Session): session is Transacting {
  return 'applyHistoryTransaction' in session;
}
