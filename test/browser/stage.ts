/** Worker processes, a pawl, and the pages over them: what a test or a screenshot looks at. */
import { Pawl, type RunHandle } from 'pawl';
import {
  type DashboardOptions,
  type KillableWorkers,
  serveDashboard,
  type ServedDashboard,
} from 'pawl/dashboard';
import { compiled, type NodeChild, spawnNode } from '../support/child.ts';
import { firstEvent, newPrefix } from '../support/workers.ts';
import { workflows } from './workflows.ts';

type Workflows = readonly (typeof workflows)[number][];

export interface BrowserWorker {
  readonly id: string;
  readonly child: NodeChild;
}

export class Stage implements AsyncDisposable {
  readonly url: string;
  readonly prefix: string;
  readonly pawl: Pawl;
  readonly workers: BrowserWorker[] = [];
  readonly #served: ServedDashboard[] = [];

  readonly #workflows: Workflows;

  private constructor(url: string, prefix: string, pawl: Pawl, of: Workflows) {
    this.url = url;
    this.prefix = prefix;
    this.pawl = pawl;
    this.#workflows = of;
  }

  /** A prefix that is given is that of another stage, whose runs are shown as well. */
  static async open(
    url: string,
    {
      workers = 2,
      prefix = newPrefix(),
      workflows: of = workflows,
    }: { readonly workers?: number; readonly prefix?: string; readonly workflows?: Workflows } = {},
  ): Promise<Stage> {
    const stage = new Stage(url, prefix, await Pawl.open({ redis: url, prefix }), of);
    await Promise.all(Array.from({ length: workers }, () => stage.startWorker()));
    return stage;
  }

  async startWorker(): Promise<BrowserWorker> {
    const names = this.#workflows.map(({ name }) => name);
    const setup = JSON.stringify({ url: this.url, prefix: this.prefix, names });
    const child = spawnNode(compiled('test/browser/worker-main.ts'), [setup]);
    const ready = await child.waitFor(({ message }) => message === 'ready', 60_000);
    const worker = { id: String(ready['worker']), child };
    this.workers.push(worker);
    return worker;
  }

  /** The address of the pages, without a slash at its end. */
  async serve(options: DashboardOptions & { readonly port?: number } = {}): Promise<string> {
    const given = { port: 0, readOnly: false, workflows: [...this.#workflows], ...options };
    const served = await serveDashboard(this.pawl, given);
    this.#served.push(served);
    return served.url.replace(/\/$/, '');
  }

  /** The worker processes of this stage, as a host gives them to its pages. */
  readonly killable: KillableWorkers = () =>
    new Map(
      this.workers.map(({ id, child }) => {
        const kill = async (): Promise<boolean> => {
          const at = this.workers.findIndex((one) => one.child === child);
          if (at === -1) return false;
          this.workers.splice(at, 1);
          child.kill('SIGKILL');
          await child.exit;
          return true;
        };
        return [id, { how: 'SIGKILL', command: `kill -9 ${child.pid}`, kill }];
      }),
    );

  /** Closes the pages at one address; the others of this stage stay open. */
  async stopServing(url: string): Promise<void> {
    const at = this.#served.findIndex((served) => served.url.startsWith(url));
    if (at === -1) throw new Error(`nothing is served at ${url}`);
    const [served] = this.#served.splice(at, 1);
    await served?.close();
  }

  /** Kills the process that holds a run, as `kill -9` does; resolves when another one has it. */
  async killOwner(run: RunHandle): Promise<{ readonly lost: string; readonly heir: string }> {
    const { worker: lost, seq } = await run.info();
    const owner = this.workers.find(({ id }) => id === lost);
    if (lost === undefined || owner === undefined) throw new Error('no worker holds the run');
    owner.child.kill('SIGKILL');
    this.workers.splice(this.workers.indexOf(owner), 1);
    const claimed = await firstEvent(run, (one) => one.seq > seq && one.type === 'run.claimed');
    return { lost, heir: (claimed.data as { worker: string }).worker };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#served.splice(0).map((served) => served.close()));
    for (const { child } of this.workers) child.kill('SIGKILL');
    await Promise.all(this.workers.map(({ child }) => child.exit));
    await this.pawl.close({ graceMs: 100 });
  }
}
