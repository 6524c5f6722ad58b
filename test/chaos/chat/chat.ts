/** The example's chat on a Redis of its own: its server, and two worker processes. */
import { Fleet } from '../../../examples/agent-chat/fleet.ts';
import { serveChat } from '../../../examples/agent-chat/server.ts';
import { Pawl } from '../../../src/index.ts';
import { startRedisServer } from '../../../src/testing/redis-server.ts';

export interface Chat {
  readonly pawl: Pawl;
  readonly fleet: Fleet;
  readonly url: string;
}

/** Ends all that it has started. */
export async function withChat(prefix: string, use: (chat: Chat) => Promise<void>): Promise<void> {
  const redis = await startRedisServer({});
  const pawl = await Pawl.open({ redis: redis.url, prefix, logger: false });
  const fleet = await Fleet.start({ pawl, redis: redis.url, prefix, say: () => undefined });
  const server = await serveChat({ pawl, fleet }, 0);
  try {
    await use({ pawl, fleet, url: server.url });
  } finally {
    await server.stop();
    await fleet.stop();
    await pawl.close();
    await redis.stop();
  }
}
