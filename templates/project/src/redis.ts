/** Where Redis is: `compose.yaml` starts one here. */
export const redis = process.env['REDIS_URL'] ?? 'redis://127.0.0.1:6379';
