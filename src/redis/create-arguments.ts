/** The arguments of the create script, in the order that its header spells. */
import type { CreateParams } from '../core/store.ts';
import { type Argument, toBuffer } from './arguments.ts';
import { formatTags } from './fields.ts';
import type { ShardKeys } from './keys.ts';

/** `sure`: the prefix was just seen to have so many shards. */
export function createArguments(
  shard: ShardKeys,
  params: CreateParams,
  { shards, sure }: { readonly shards: number; readonly sure: boolean },
): Argument[] {
  const { run, snapshot } = params;
  const args: Argument[] = [
    ...[shard.run(run), shard.payload(run), shard.events(run), shard.due, shard.snapshot(run)],
    ...[run, params.token, params.workflow, toBuffer(params.input), formatTags(params.tags)],
    ...[toBuffer(params.data), params.resendMs, shard.base],
    ...[params.parent ?? '', params.delayMs ?? 0, params.priority ?? 0, params.deadlineMs ?? ''],
    ...[params.loose === true ? 1 : '', snapshot?.schema ?? ''],
    ...[params.codeVersion ?? 0, shards, sure ? 1 : ''],
  ];
  for (const [field, bytes] of snapshot?.set ?? []) args.push(field, toBuffer(bytes));
  return args;
}
