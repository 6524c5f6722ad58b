export {
  provideRedis,
  type ProvidedRedis,
  type ProvideRedisOptions,
} from './testing/provide-redis.ts';
export {
  freePort,
  startRedisServer,
  type RedisServer,
  type RedisServerOptions,
} from './testing/redis-server.ts';
