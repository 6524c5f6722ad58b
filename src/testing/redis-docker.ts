import { guardExit } from './guard.ts';
import { redisDefaults } from './redis-server.ts';

/** The image docker-compose.yml uses too. */
export const redisImage = 'redis:7.4-alpine';

/**
 * Starts Redis in a container, by the optional package `testcontainers`.
 * Resolves when it answers; rejects when the package, Docker or the image is missing.
 */
export async function startRedisContainer(
  config: Readonly<Record<string, string>>,
): Promise<{ url: string; stop: () => Promise<void> }> {
  // Testcontainers' own reaper is a second image that may not be at hand; the guard below does its work.
  process.env['TESTCONTAINERS_RYUK_DISABLED'] ??= 'true';
  const { GenericContainer, Wait } = await import('testcontainers');
  const settings = Object.entries({ ...redisDefaults, ...config }).flatMap(([key, value]) => [
    `--${key}`,
    ...value.split(' '),
  ]);
  const container = await new GenericContainer(redisImage)
    .withCommand(['redis-server', ...settings])
    .withExposedPorts(6379)
    .withWaitStrategy(Wait.forLogMessage('Ready to accept connections'))
    .withStartupTimeout(60_000)
    .start();
  const guard = guardExit('docker rm -f -v "$1"', [container.getId()]);
  return {
    url: `redis://${container.getHost()}:${container.getMappedPort(6379)}`,
    stop: async () => {
      await container.stop();
      guard.dismiss();
    },
  };
}
