/** Bugs in graphs of LangGraph that are workflows, and in their threads. */
import type { Judge, Mutant } from './mutant.ts';

const graphs: Judge = { redis: 'test/langgraph/durable-graph.test.ts' };
const others: Judge = { redis: 'test/langgraph/durable-graph-others.test.ts' };

export const mutantsOfGraphs: readonly Mutant[] = [
  {
    name: 'a checkpoint is stored for a run that has lost the thread',
    file: 'redis/lua/langgraph-put.lua',
    passage: "if ARGV[17] ~= '' and ARGV[17] ~= m[5] then return {'lost'} end",
    by: '',
    foundBy: [graphs],
  },
  {
    name: 'a thread goes back to a run that has lost it',
    file: 'redis/lua/langgraph-hold.lua',
    passage: 'if who ~= by or tonumber(before) > tonumber(fence) then',
    by: 'if who == by and tonumber(before) > tonumber(fence) then',
    foundBy: [graphs],
  },
  {
    name: 'a thread is taken from another one than was seen',
    file: 'redis/lua/langgraph-hold.lua',
    passage: 'elseif seen ~= holder then',
    by: "elseif seen == '+' then",
    foundBy: [graphs],
  },
  {
    name: 'an answer is given again when its question is no more',
    file: 'durable-graph/superstep.ts',
    passage: 'const open = asked.questions.filter(({ id }) => answers.has(id));',
    by: 'const open = [...answers.keys()].map((id) => ({ id }));',
    foundBy: [graphs],
  },
  {
    name: 'a superstep runs although the thread has moved',
    file: 'durable-graph/superstep.ts',
    passage: 'if (hasMoved(now)) return positionOf(graph, config, answered);',
    by: '',
    foundBy: [graphs],
  },
  {
    name: 'a question of a task that has ended is asked again',
    file: 'durable-graph/compiled-graph.ts',
    passage: 'const open = result === undefined ? interrupts : [];',
    by: 'const open = interrupts;',
    foundBy: [graphs],
  },
  {
    name: 'a graph stops at a node again after somebody has changed its thread',
    file: 'durable-graph/graph-execution.ts',
    passage: 'step.set({ from: await positionOf(this.#graph, this.#taken.config) });',
    by: '',
    foundBy: [graphs],
  },
  {
    name: 'a fork of a graph writes to the thread of the other run',
    file: 'durable-graph/thread-claim.ts',
    passage: 'const thread = source === undefined ? about.thread : run;',
    by: 'const thread = about.thread;',
    foundBy: [others],
  },
  {
    name: 'a fork of a graph starts with an empty thread',
    file: 'durable-graph/thread-claim.ts',
    passage: 'source === undefined || checkpoint === undefined',
    by: 'source === undefined || checkpoint !== undefined',
    foundBy: [others],
  },
  {
    name: 'a copy up to a checkpoint has what its nodes wrote later',
    file: 'langgraph/whole-thread.ts',
    passage: '(one === newest ? { ...one, writes: [] } : one)',
    by: 'one',
    foundBy: [others],
  },
  {
    name: 'a copy up to a checkpoint has those that came later',
    file: 'langgraph/whole-thread.ts',
    passage: 'isOwn(one) ? line.has(one.checkpoint) : one.checkpoint <= checkpoint',
    by: 'true',
    foundBy: [others],
  },
  {
    name: 'a fork takes a thread of its id that is not its own',
    file: 'langgraph/thread-holds.ts',
    passage: 'if (!isThere || !isOf(claim.by, await this.holderOf(toId))) throw error;',
    by: 'if (!isThere) throw error;',
    foundBy: [others],
  },
  {
    name: 'a later attempt gives answers again',
    file: 'durable-graph/graph-execution.ts',
    passage: 'return { ...given, mayBeGiven: true };',
    by: 'return given;',
    foundBy: [graphs],
  },
  {
    name: 'a resume gives answers again',
    file: 'durable-graph/graph-execution.ts',
    passage: 'answers.size === 0 || (await this.#isFirst())',
    by: 'answers.size === 0 || true',
    foundBy: [graphs],
  },
];
