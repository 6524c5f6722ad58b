/** What a Redis server says of itself: one reading of INFO for all who ask. */
import { Cluster, type Redis } from 'ioredis';
import type { Connection } from './connection.ts';

export interface ServerFacts {
  /** Host and port. */
  readonly name: string;
  readonly field: (name: string) => string;
}

export function mastersOf(connection: Connection): readonly Redis[] {
  return connection instanceof Cluster ? connection.nodes('master') : [connection];
}

/** Of each master; undefined where a server refuses to tell. */
export function serverFacts(connection: Connection): Promise<(ServerFacts | undefined)[]> {
  return Promise.all(
    mastersOf(connection).map(async (node) => {
      const info = await node.info().catch((error: Error) => {
        if (error.message.startsWith('NOPERM')) return undefined;
        throw error;
      });
      if (info === undefined) return undefined;
      const fields = new Map(
        info.split('\r\n').map((line) => {
          const colon = line.indexOf(':');
          return [line.slice(0, colon), line.slice(colon + 1)] as const;
        }),
      );
      return {
        name: `${node.options.host ?? ''}:${node.options.port ?? ''}`,
        field: (name) => fields.get(name) ?? '',
      };
    }),
  );
}

/** As Redis counts when it decides to refuse a write: 0 where there is no limit. */
export function memoryShare({ field }: ServerFacts): number {
  const limit = Number(field('maxmemory'));
  if (!(limit > 0)) return 0;
  return (Number(field('used_memory')) - Number(field('mem_not_counted_for_evict'))) / limit;
}
