/** Probes and metrics over HTTP: `/live`, `/ready` and `/metrics`. */
import { createServer } from 'node:http';

/** `isReady` tells whether this process can do its work now; it is not asked for `/live`. */
export function serve(port, { registry, isReady }) {
  const answers = {
    '/live': () => [200],
    '/ready': async () => [(await isReady()) ? 200 : 503],
    '/metrics': async () => [200, await registry.metrics()],
  };
  const server = createServer((request, response) => {
    const answer = answers[request.url ?? ''] ?? (() => [404]);
    void Promise.resolve()
      .then(answer)
      .catch((error) => [500, String(error)])
      .then(([status, text = '']) =>
        response.writeHead(status, { 'content-type': registry.contentType }).end(text),
      );
  });
  server.listen(port);
  return server;
}
