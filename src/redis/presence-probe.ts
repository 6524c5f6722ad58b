/**
 * Whether presence can be trusted through this endpoint.
 *
 * The kernel closes the socket of a process that dies, and the server forgets its subscriptions: that is how a death is
 * seen within milliseconds. Behind some proxies and managed services the count comes from another node, or stays. So each
 * worker tries it once with a connection of its own: the count must be 1 while it is subscribed and fall to 0 when it is
 * cut. Where that fails, presence is not used and the end of the session decides.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection } from './connection.ts';

const probeMs = 1000;
const stepMs = 10;

/** True when presence works here. `connect` makes an unconnected client to the same endpoint. */
export async function probePresence(
  connection: Connection,
  connect: () => Connection,
  liveBase: string,
): Promise<boolean> {
  const channel = `${liveBase}probe-${randomUUID()}`;
  const probe = connect();
  probe.on('error', () => undefined);
  try {
    await probe.connect();
    await probe.ssubscribe(channel);
    if (!(await reaches(connection, channel, 1))) return false;
    probe.disconnect();
    return await reaches(connection, channel, 0);
  } catch {
    // An endpoint that refuses the commands is one where presence does not work.
    return false;
  } finally {
    probe.disconnect();
  }
}

/** Counts inside a script, because that is routed by the key to the node that holds the channel's slot. */
const countSource = "return redis.call('PUBSUB', 'SHARDNUMSUB', KEYS[1])[2]";

async function reaches(connection: Connection, channel: string, count: number): Promise<boolean> {
  for (let waited = 0; waited <= probeMs; waited += stepMs) {
    if ((await connection.eval(countSource, 1, channel)) === count) return true;
    await sleep(stepMs);
  }
  return false;
}
