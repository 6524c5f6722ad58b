// Goal: the pages show what is stored, and refuse who may not see it. Method: HTTP over the memory store.
import { memoryPawl } from '../../support/memory.ts';
import { pageChecks } from '../../support/page-checks.ts';

pageChecks(() => Promise.resolve(memoryPawl().pawl));
