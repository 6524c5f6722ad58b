/**
 * The order of test files: what takes long begins first, so that no file has the machine to itself at the end.
 */
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** The slowest of each project first. A fresh clone knows no durations, and vitest would take the longest sources first. */
const slow = [
  'programs/fuzz',
  'unit/testing/crash-test',
  'unit/engine/execution/undo-around',
  'unit/engine/execution/families',
  'unit/blobs/blobs',
  'unit/engine/execution/doubt',
  'unit/engine/worker/turns',

  'langgraph/random-graphs',
  'langgraph/kill',

  'integration/cli',
  'integration/examples',
  'integration/package',
  'simulation/redis',
  'conformance/cluster',
  'simulation/simulation',
  'conformance/redis-shards',
  'conformance/redis-durable',
  'conformance/redis-encrypted',
  'conformance/redis',
  'integration/acl',
  'integration/silent-connections',
  'integration/hostile-names',
  'integration/docs',
  'integration/cli-init',
  'integration/cli-messages',
  'conformance/differential',
  'conformance/bullmq',
  'integration/schedules',
  'integration/tutorial',
  'integration/doctor',
  'integration/openai-agents',
  'integration/search',
  'integration/closing',

  // What mostly waits begins beside the matrix, which does not.
  'chaos/matrix',
  'chaos/sentinel',
  'chaos/redis-faults',
  'chaos/network',
  'chaos/cluster',
  'chaos/kill',
  'chaos/deploy',
  'chaos/redis-outage',
  'chaos/chat',
  'chaos/blobs',
  'chaos/file-checkpointer',
].map((name) => `/test/${name}.test.ts`);

export class SlowFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const projects = [...new Set(sorted.map(({ project }) => project.name))];
    const rank = ({ project, moduleId }: TestSpecification): number => {
      const at = slow.findIndex((end) => moduleId.endsWith(end));
      return projects.indexOf(project.name) * 1_000 + (at === -1 ? slow.length : at);
    };
    return sorted.toSorted((a, b) => rank(a) - rank(b));
  }
}
