/** The site of the pages, for VitePress. `tools/docs-site.mjs` puts it beside a copy of the pages, and builds. */
import { readFileSync } from 'node:fs';
import { defineConfig } from 'vitepress';

const page = (text, link) => ({ text, link: `/docs/${link}` });

const concepts = [
  page('Overview', 'concepts/'),
  page('Runs and events', 'concepts/runs-and-events'),
  page('Resume, and what runs again', 'concepts/resume'),
  page('Steps and effects', 'concepts/steps-and-effects'),
  page('Waits and signals', 'concepts/waits-and-signals'),
  page('Children', 'concepts/children'),
  page('Graphs', 'concepts/graphs'),
  page('Snapshots and checkpoints', 'concepts/snapshots'),
  page('Take-over', 'concepts/take-over'),
  page('Durability', 'concepts/durability'),
  page('Deploys', 'concepts/deploys'),
];

const recipes = [
  page('Overview', 'recipes/'),
  page('Express', 'recipes/express'),
  page('Fastify', 'recipes/fastify'),
  page('Nest', 'recipes/nest'),
  page('Next', 'recipes/next'),
  page('Server-sent events', 'recipes/sse'),
  page('Streaming', 'recipes/streaming'),
  page('Docker and Kubernetes', 'recipes/kubernetes'),
  page('Serverless', 'recipes/serverless'),
  page('bull-board', 'recipes/bull-board'),
  page('esbuild', 'recipes/esbuild'),
  page('CommonJS', 'recipes/commonjs'),
  page('pino', 'recipes/pino'),
  page('OpenTelemetry', 'recipes/opentelemetry'),
  page('Prometheus and Grafana', 'recipes/prometheus'),
  page('AI SDK', 'recipes/ai-sdk'),
  page('OpenAI Agents', 'recipes/openai-agents'),
  page('assistant-ui', 'recipes/assistant-ui'),
  page('TanStack AI', 'recipes/tanstack-ai'),
  page('LangGraph', 'recipes/langgraph'),
  page('MCP', 'recipes/mcp'),
  page('Agents', 'recipes/agents'),
  page('Human approval', 'recipes/approval'),
  page('Saga', 'recipes/saga'),
  page('Fair tenants', 'recipes/tenants'),
];

const comingFrom = [
  page('Overview', 'coming-from/'),
  page('BullMQ', 'coming-from/bullmq'),
  page('Temporal', 'coming-from/temporal'),
  page('DBOS', 'coming-from/dbos'),
  page('Inngest', 'coming-from/inngest'),
  page('LangGraph', 'coming-from/langgraph'),
];

const writing = [
  page('The methods on one page', 'reference'),
  page('State', 'state'),
  page('Retries', 'retries'),
  page('Undo', 'undo'),
  page('Many items', 'many'),
  page('Children', 'children'),
  page('Graphs', 'graphs'),
  page('Starting, and the end', 'starting'),
  page('Schedules', 'schedules'),
  page('Keys and fair turns', 'keys'),
  page('Waiting for people', 'inbox'),
  page('Asking a run', 'asking'),
  page('Output streams', 'outputs'),
  page('Blobs', 'blobs'),
  page('Testing', 'testing'),
  page('Workers in threads', 'threads'),
  page('Errors', 'errors'),
  page('Limits', 'limits'),
];

/** A page for each entry of the package. `tools/docs-site.mjs` builds in the folder of the repository. */
const api = [
  page('Overview', 'api/'),
  ...Object.keys(JSON.parse(readFileSync('package.json', 'utf8')).exports)
    .filter((path) => path !== './package.json')
    .map((path) => page(path.replace('.', 'pawl'), `api/${path === '.' ? 'pawl' : path.slice(2)}`)),
];

const operating = [
  page('Handbook', 'handbook'),
  page('Incidents', 'incidents'),
  page('Deployment', 'deployment'),
  page('Operations', 'operations'),
  page('Retention', 'retention'),
  page('Moving runs', 'moving'),
  page('Security', 'security'),
  page('Command line', 'cli'),
  page('Dashboard', 'dashboard'),
  page('Doctor and drill', 'doctor'),
  page('Observability', 'observability'),
];

const judging = [
  page('Reliability', 'reliability'),
  page('Performance', 'performance'),
  page('Scaling', 'scaling'),
  page('Nightly figures', 'nightly'),
  page('Planted bugs', 'mutations'),
  page('Keys in Redis', 'keyspace'),
  page('Releases', 'releases'),
  page('Decisions', 'decisions/'),
  { text: 'Architecture', link: '/ARCHITECTURE' },
  { text: 'Contributing', link: '/CONTRIBUTING' },
  { text: 'Report a hole', link: '/SECURITY' },
  { text: 'What changed', link: '/CHANGELOG' },
];

// oxlint-disable-next-line import/no-default-export -- VitePress asks for it
export default defineConfig({
  title: 'pawl',
  description: 'Programs that go on after a crash, over Redis',
  cleanUrls: false,
  lastUpdated: false,
  // An indented block, as docstrings have them, looks like any other block: it has colours, and scrolls by itself.
  markdown: {
    config(md) {
      md.renderer.rules.code_block = (tokens, i, ...rest) => {
        tokens[i].info = 'ts';
        return md.renderer.rules.fence(tokens, i, ...rest);
      };
    },
  },
  themeConfig: {
    search: { provider: 'local' },
    outline: [2, 3],
    nav: [
      page('Tutorial', 'tutorial'),
      page('Concepts', 'concepts/'),
      page('Recipes', 'recipes/'),
      page('Reference', 'reference'),
      page('API', 'api/'),
      page('Operate', 'handbook'),
    ],
    sidebar: [
      {
        text: 'Learn',
        items: [
          page('The first hour', 'first-hour'),
          page('Tutorial', 'tutorial'),
          page('FAQ', 'faq'),
          { text: 'Examples', link: '/examples/' },
          page('All pages', ''),
        ],
      },
      { text: 'Concepts', collapsed: false, items: concepts },
      { text: 'Coming from', collapsed: true, items: comingFrom },
      { text: 'Write workflows', collapsed: true, items: writing },
      { text: 'API', collapsed: true, items: api },
      { text: 'Recipes', collapsed: true, items: recipes },
      { text: 'Operate', collapsed: true, items: operating },
      { text: 'Judge it', collapsed: true, items: judging },
    ],
  },
});
