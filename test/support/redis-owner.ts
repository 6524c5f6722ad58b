import { startRedisServer } from '../../src/testing/redis-server.ts';

// Starts a server and stays, until the test ends this process in some way.
const { pid, dir, url } = await startRedisServer();
process.stdout.write(`${JSON.stringify({ type: 'started', pid, dir, url })}\n`);
setInterval(() => {}, 1000);
