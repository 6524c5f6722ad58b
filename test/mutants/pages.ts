/** Bugs of the pages: who may do what, what is hidden, and whose requests they take in somebody else's server. */
import type { Judge, Mutant } from './mutant.ts';

const page = (file: string): Judge => ({ unit: `test/unit/dashboard/${file}.test.ts` });

export const mutantsOfPages: readonly Mutant[] = [
  {
    name: 'any role may do what any other may',
    file: 'dashboard/access.ts',
    passage: 'return roles.indexOf(role) >= roles.indexOf(needed);',
    by: 'return roles.includes(role) && roles.includes(needed);',
    foundBy: [page('access')],
  },
  {
    name: 'who reads may end schedules',
    file: 'dashboard/access.ts',
    passage: "if (verb === 'remove') return 'unschedule';",
    by: "if (verb === 'remove') return 'schedule';",
    foundBy: [page('access'), page('schedules-page')],
  },
  {
    name: 'read-only holds for people without a login alone',
    file: 'dashboard/guard.ts',
    passage: "if (visitor === undefined || settings.role !== 'read') return visitor;",
    by: "if (visitor !== undefined || settings.role !== 'read') return visitor;",
    foundBy: [page('access')],
  },
  {
    name: 'a form of one person is taken from another',
    file: 'dashboard/guard.ts',
    passage: ".update(actor).digest('base64url')",
    by: ".digest('base64url')",
    foundBy: [page('access')],
  },
  {
    name: 'a change is taken from any site',
    file: 'dashboard/guard.ts',
    passage: 'if (!isOwn(c)) return refuse(c, foreign);',
    by: '',
    foundBy: [page('access')],
  },
  {
    name: 'what the host cannot hide is shown',
    file: 'dashboard/redaction.ts',
    passage: '} catch {\n    return hidden;',
    by: '} catch {\n    return value;',
    foundBy: [page('redaction')],
  },
  {
    name: 'a difference of states shows what is hidden',
    file: 'dashboard/redaction.ts',
    passage: 'diffStates(await stateAt(before), await stateAt(after)),',
    by: 'run.diff(before, after),',
    foundBy: [page('redaction')],
  },
  {
    name: 'chunks of outputs show what is hidden',
    file: 'dashboard/redaction.ts',
    passage: "value: shownBy(redact, chunk.value, { kind: 'chunk', run })",
    by: 'value: chunk.value',
    foundBy: [page('redaction')],
  },
  {
    name: 'the pages take requests of the host',
    file: 'dashboard/mounts.ts',
    passage: 'if (next !== undefined && !isBelow(url, base)) {',
    by: 'if (next !== undefined && base === url) {',
    foundBy: [page('mount')],
  },
  {
    name: 'a form that the host has parsed is empty',
    file: 'dashboard/mounts.ts',
    passage: '    keepBody(request);\n',
    by: '',
    foundBy: [page('mount')],
  },
  {
    name: 'a path that a router has cut is taken for the whole',
    file: 'dashboard/mounts.ts',
    passage: "const url = originalUrl ?? request.url ?? '/';",
    by: "const url = request.url ?? originalUrl ?? '/';",
    foundBy: [page('mount')],
  },
];
