/**
 * Executes the blocks that were written beside it: `node main.js <redis url> <modules as JSON>`. Prints a line of JSON for
 * each. What it declared is looked at where there is something to look at.
 */
import { createHash, randomBytes } from 'node:crypto';
import { Pawl, toMermaid, type Graph } from 'pawl';
import { openScene, type Scene } from './scene.ts';

type Declared = Readonly<Record<string, unknown>>;

/** What must be true of what a block of a page has declared. */
const looks: readonly {
  readonly page: string;
  readonly name: string;
  readonly look: (scene: Scene, declared: Declared) => Promise<void>;
}[] = [
  { page: 'docs/graphs.md', name: 'agent', look: playGraph },
  { page: 'docs/dashboard.md', name: 'pages', look: openPages },
  { page: 'docs/retention.md', name: 'kept', look: findFork },
];

function need(isTrue: boolean, what: string): void {
  if (!isTrue) throw new Error(what);
}

async function playGraph(scene: Scene, { agent }: Declared): Promise<void> {
  const graph = agent as Graph;
  const worker = scene.pawl.worker({ workflows: [graph] });
  const run = await scene.pawl.start(graph, { goal: 'tea' });
  const state = (await run.result()) as { readonly n: number; readonly notes: readonly string[] };
  need(state.n === 3 && state.notes.length === 6, `the graph ends with ${JSON.stringify(state)}`);
  const rounds = (await run.checkpoints({ node: 'join' })).map(({ metadata }) => metadata);
  need(JSON.stringify(rounds.at(-1)) === '{"round":1}', `rounds are ${JSON.stringify(rounds)}`);
  need(toMermaid(graph, await run.graph()).includes('join ×3'), 'join is not drawn as visited');
  await worker.close();
}

async function openPages({ app, password }: Scene): Promise<void> {
  app.get('/after', (c) => c.text('after'));
  const authorization = `Basic ${Buffer.from(`ada:${password}`).toString('base64')}`;
  for (const [path, status] of [
    ['/after', 200],
    ['/admin/pawl', 302],
    ['/admin/pawl/', 302],
    ['/admin/pawl/runs', 200],
  ] as const) {
    const headers = { host: '127.0.0.1', authorization };
    const answer = await app.request(`http://127.0.0.1${path}`, { headers });
    need(answer.status === status, `${path} is answered with ${answer.status}`);
  }
}

async function findFork({ pawl }: Scene, { kept }: Declared): Promise<void> {
  const [{ label }] = kept as readonly [{ readonly label?: string }];
  need(label === 'page 50', `the newest checkpoint is ${label}`);
  const { runs } = await pawl.list({ workflow: 'scene' });
  need(runs.length === 2, `there are ${runs.length} runs, the fork included`);
}

interface Given {
  readonly page: string;
  readonly line: number;
  readonly module: string;
}

process.env['PAWL_KEY'] = createHash('sha256').update('a key').digest('base64');
const [url = '', given = '[]'] = process.argv.slice(2);
const prefix = `docs-${randomBytes(4).toString('hex')}`;
const { scene, close } = await openScene(url, prefix);
for (const { page, line, module } of JSON.parse(given) as Given[]) {
  const { block } = (await import(module)) as { block: (scene: Scene) => Promise<Declared> };
  let problem: string | undefined;
  try {
    const declared = await block(scene);
    for (const { page: of, name, look } of looks) {
      if (of === page && name in declared) await look(scene, declared);
    }
    for (const value of Object.values(declared)) if (value instanceof Pawl) await value.close();
  } catch (error) {
    problem = error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
  process.stdout.write(`${JSON.stringify({ page, line, problem })}\n`);
}
await close();
