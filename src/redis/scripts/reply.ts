/** The owner's reply to a question. */
import type { ReplyParams } from '../../core/questions.ts';
import { toBuffer } from '../arguments.ts';
import type { ShardKeys } from '../keys.ts';
import { lua } from '../lua.gen.ts';
import { unknownReply } from '../replies.ts';
import { toScript } from '../script-command.ts';
import type { StoreScript } from '../store-script.ts';

export const reply: StoreScript<ShardKeys, ReplyParams, 'replied' | 'gone' | 'fenced'> = {
  script: toScript('reply', lua.reply),
  keys: (shard, { run, id }) => [shard.run(run), shard.questions(run), shard.reply(run, id)],
  args: (shard, { run, id, fence, owner, data, keepMs }) => [
    id,
    fence,
    owner,
    toBuffer(data),
    Math.ceil(keepMs),
    shard.changed(run),
  ],
  decode: (shard, [outcome], { run }) => {
    const said = String(outcome);
    if (said === 'replied' || said === 'gone' || said === 'fenced') return said;
    throw unknownReply(shard, run, outcome);
  },
};
