/**
 * Tools of the Model Context Protocol over HTTP, as a function from a request to an answer. Who may ask is decided as on the
 * pages, for each request: the login, the names of the host, and no page of another site. A request is answered by a
 * server of its own, which has the tools of the role that the sender has and remembers nothing afterwards. So any process
 * may answer the next one, and a crash leaves nothing.
 */
import { WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js';
import { optionsOf } from '../core/option-rules.ts';
import { isFromElsewhere, isKnownHost, visitorOf } from '../dashboard/guard.ts';
import { type DashboardOptions, dashboardRules, readSettings } from '../dashboard/settings.ts';
import type { Pawl } from '../pawl.ts';
import { mcpServer } from './server.ts';

const { readOnly, user, password, users, login, hosts, actor, workflows, redact } = dashboardRules;
const rules = { readOnly, user, password, users, login, hosts, actor, workflows, redact };

/**
 * Those options of the pages that decide who may ask, what they may do, and what they are shown. As there, without a login
 * everybody only reads, and `readOnly: false` lets everybody do all.
 */
export type McpHandlerOptions = Pick<DashboardOptions, keyof typeof rules>;

const checkOptions = optionsOf<McpHandlerOptions>(rules);
const bodyBytesMax = 1_000_000;

/**
 * Answers requests of the streamable HTTP transport, which clients send by POST. Mount it at one path of any framework that
 * has `Request` and `Response`.
 *
 * A request that is refused does nothing. The answer is 401 for nobody who may come in, and 503 when `login` throws. It is
 * 403 for a page of another site, and 421 for a name of the host that is not listed. It is 405 for another method than
 * POST, and 413 for more than 1 MB.
 * @throws InvalidError for an option that does not fit.
 */
export function mcpHandler(
  pawl: Pawl,
  options: McpHandlerOptions = {},
): (request: Request) => Promise<Response> {
  checkOptions(options, 'mcpHandler options');
  const settings = readSettings({ actor: 'mcp', ...options });
  const { redact: hide } = settings;
  const shown = {
    workflows: [...settings.workflows.values()],
    ...(hide !== undefined && { redact: hide }),
  };
  return async (request) => {
    if (!isKnownHost(settings, request)) {
      return refused(421, 'This host name is not one of the server: add it to hosts.');
    }
    if (isFromElsewhere(request)) return refused(403, 'The request comes from another site.');
    let visitor;
    try {
      visitor = await visitorOf(settings, request);
    } catch {
      return refused(503, 'The login has failed, so nobody is let in.');
    }
    if (visitor === undefined) {
      const ask = settings.users.length > 0 ? { 'WWW-Authenticate': 'Basic realm="pawl"' } : {};
      return refused(401, 'Log in to use these tools.', ask);
    }
    if (request.method !== 'POST') {
      return refused(405, 'Send messages by POST; there is no stream to open.', { Allow: 'POST' });
    }
    const transport = new WebStandardStreamableHTTPServerTransport({
      enableJsonResponse: true,
      maxRequestBodySize: bodyBytesMax,
    });
    const server = mcpServer(pawl, { ...shown, role: visitor.role, actor: visitor.actor });
    await server.connect(transport);
    try {
      return await transport.handleRequest(request);
    } finally {
      await server.close();
    }
  };
}

function refused(status: number, why: string, headers: Record<string, string> = {}): Response {
  const said = {
    jsonrpc: '2.0',
    error: { code: -32_000, message: `${why} Nothing was done.` },
    id: null,
  };
  return Response.json(said, { status, headers });
}
