/**
 * What comes after a node: pure, so that it can be tried without a run. The answer is stored in the event of the node's
 * completion and never computed again.
 *
 * Several targets start parallel branches; the tasks of a branch carry the ids of the tasks that started it. A target of
 * an *edge* is a join: it waits while another branch of the same fan-out can still come to it, and then goes on as one
 * task; ways that are not declared count where two edges meet. A target of a *goto*, or one with arguments, starts at once.
 *
 *   act ─┬─▶ search ─▶┐            search done: read can still come to join ─▶ `search:1>join` waits
 *        └─▶ read ───▶┴─ join      read done: nobody else can come ─▶ both go on as join:1
 *
 * When all that is left waits for each other, the one that is nearest to the others goes on: no run is ever stuck.
 */
import type { GraphTask } from '../../core/graph.ts';

/** Where the nodes of a graph may lead to: `anywhere` when that is decided at run time and not declared. */
export interface GraphMap {
  successors(node: string): { readonly nodes: readonly string[]; readonly anywhere: boolean };
  /** How many nodes have an edge to this one. */
  edgesTo(node: string): number;
}

export interface Move {
  readonly node: string;
  readonly args?: unknown;
  /** By an edge, so that it joins. */
  readonly joins: boolean;
}

export interface Plan {
  readonly next: readonly GraphTask[];
  readonly joined: readonly string[];
}

export interface PlanParams {
  readonly map: GraphMap;
  /** All tasks, the completed one included. */
  readonly tasks: readonly GraphTask[];
  readonly completed: GraphTask;
  readonly moves: readonly Move[];
  /** Executions of a node so far. */
  readonly visits: (node: string) => number;
}

/** A way that is only possible is longer than any that is drawn. */
const farAway = 1_000;

export function planNext(params: PlanParams): Plan {
  const { tasks, completed, moves } = params;
  const planner = new Planner(params);
  const branch = moves.length > 1 ? [...completed.branch, completed.id] : completed.branch;
  for (const task of tasks) if (task.id !== completed.id) planner.put(task);
  for (const { node, args, joins } of moves) {
    if (joins) planner.put({ id: `${completed.id}>${node}`, node, visit: 0, branch });
    else planner.begin({ node, branch, ...(args === undefined ? {} : { args }) });
  }
  planner.settle();
  const before = new Map(tasks.map((task) => [task.id, task]));
  return {
    next: planner.tasks.filter((task) => before.get(task.id) !== task),
    joined: planner.joined.filter((id) => before.has(id)),
  };
}

class Planner {
  readonly joined: string[] = [];
  readonly #map: GraphMap;
  readonly #visits: (node: string) => number;
  readonly #begun = new Map<string, number>();
  readonly #tasks = new Map<string, GraphTask>();

  constructor({ map, visits }: PlanParams) {
    this.#map = map;
    this.#visits = visits;
  }

  get tasks(): readonly GraphTask[] {
    return [...this.#tasks.values()];
  }

  put(task: GraphTask): void {
    this.#tasks.set(task.id, task);
  }

  begin(task: Pick<GraphTask, 'node' | 'args' | 'branch'>): void {
    const { node } = task;
    const visit = (this.#begun.get(node) ?? this.#visits(node)) + 1;
    this.#begun.set(node, visit);
    this.put({ id: `${node}:${visit}`, visit, ...task });
  }

  /** Lets everything go on that has nobody left to wait for. */
  settle(): void {
    do {
      this.#leaveLonelyBranches();
      while (this.#joinOne()) this.#leaveLonelyBranches();
    } while (this.#releaseStuck());
  }

  /** The last task of a fan-out is no branch any more; so chains of forks do not add up. */
  #leaveLonelyBranches(): void {
    const members = new Map<string, number>();
    for (const { branch } of this.#tasks.values()) {
      for (const fork of branch) members.set(fork, (members.get(fork) ?? 0) + 1);
    }
    for (const task of this.tasks) {
      const branch = task.branch.filter((fork) => (members.get(fork) ?? 0) > 1);
      if (branch.length < task.branch.length) this.put({ ...task, branch });
    }
  }

  #joinOne(): boolean {
    for (const task of this.#tasks.values()) {
      if (task.visit > 0 || this.#mustWait(task)) continue;
      const [outermost] = task.branch;
      this.#go(
        this.tasks.filter(
          ({ id, node, visit, branch }) =>
            id === task.id || (node === task.node && visit === 0 && branch[0] === outermost),
        ),
      );
      return true;
    }
    return false;
  }

  /** True while another branch can still come to where this one waits. */
  #mustWait({ node: to, branch }: GraphTask): boolean {
    return branch.some((fork, depth) => {
      const without = nodeOf(fork);
      const inner = branch[depth + 1];
      return this.tasks.some(
        (other) =>
          other.branch.includes(fork) &&
          // Those that share an inner fan-out are judged by that one.
          (inner === undefined || !other.branch.includes(inner)) &&
          !(other.node === to && other.visit === 0) &&
          this.#distance(other.node, to, without) !== undefined,
      );
    });
  }

  /** Branches go on as one, in the fan-outs that they have in common. */
  #go(here: readonly GraphTask[]): void {
    const [first] = here;
    if (first === undefined) return;
    for (const { id } of here) this.#remove(id);
    const isShared = (fork: string): boolean => here.every(({ branch }) => branch.includes(fork));
    this.begin({ node: first.node, branch: first.branch.filter(isShared) });
  }

  #remove(id: string): void {
    this.#tasks.delete(id);
    this.joined.push(id);
  }

  #releaseStuck(): boolean {
    const waiting = this.tasks;
    if (waiting.length === 0 || waiting.some(({ visit }) => visit > 0)) return false;
    const length = (from: GraphTask): number => {
      const others = waiting.filter(({ node }) => node !== from.node);
      return Math.max(...others.map(({ node }) => this.#distance(from.node, node) ?? 2 * farAway));
    };
    const [nearest] = [...waiting].sort((a, b) => length(a) - length(b));
    if (nearest === undefined) return false;
    this.#go(waiting.filter(({ node }) => node === nearest.node));
    return true;
  }

  /** Edges from a node to another, without a way through the node that started the branches; undefined: no way. */
  #distance(from: string, to: string, without?: string): number | undefined {
    const seen = new Set([from]);
    // Only where several edges meet is it worth waiting for a way that nobody has drawn.
    const isJoin = this.#map.edgesTo(to) > 1;
    let possible: number | undefined;
    let edge = [from];
    for (let steps = 1; edge.length > 0; steps++) {
      const reached: string[] = [];
      for (const node of edge) {
        const { nodes, anywhere } = this.#map.successors(node);
        if (nodes.includes(to)) return steps;
        // Behind a join the branches are one again: what may follow there is no branch of this fan-out.
        const mayBranch = anywhere && this.#map.edgesTo(node) < 2;
        if (mayBranch && isJoin) possible ??= farAway + steps;
        for (const next of nodes) {
          if (next === without || seen.has(next)) continue;
          seen.add(next);
          reached.push(next);
        }
      }
      edge = reached;
    }
    return possible;
  }
}

function nodeOf(task: string): string {
  return task.slice(0, task.lastIndexOf(':'));
}
