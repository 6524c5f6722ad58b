/**
 * The rules for ids and names. They become parts of keys, so the alphabet is small: a brace would move a key to another
 * cluster slot, `*` would widen an access rule, a newline or NUL would break logs. They are refused, never escaped.
 */
import { isReservedType } from './event.ts';
import { InvalidError } from './errors.ts';
import { fixedLimits } from './limits.ts';

const idPattern = /^[A-Za-z0-9_.~-]+$/;
const namePattern = /^[A-Za-z][A-Za-z0-9_.-]*$/;
const prefixPattern = /^[A-Za-z0-9_.-]+$/;
const tagValuePattern = /^[A-Za-z0-9_.~@:/+-]+$/;
// oxlint-disable-next-line no-control-regex -- control characters are what is being refused; › marks nesting
const printablePattern = /^[^\u0000-\u001f\u007f›]+$/;

/** Checks a run id: 1–128 of `A–Z a–z 0–9 _ . ~ -`. */
export function checkRunId(id: unknown, field = 'run id'): asserts id is string {
  checkText(field, id, {
    pattern: idPattern,
    length: fixedLimits.runIdLength,
    allowed: 'A-Z a-z 0-9 _ . ~ -',
  });
}

/** Checks the name of a workflow: a letter, then up to 63 of `A–Z a–z 0–9 _ . -`. */
export function checkWorkflowName(name: unknown): asserts name is string {
  checkText('workflow name', name, nameRule);
}

/** Checks the type of a workflow's own event: a name outside pawl's namespaces. */
export function checkEventType(type: unknown): asserts type is string {
  checkText('event type', type, nameRule);
  if (isReservedType(type)) {
    throw new InvalidError(
      'event type',
      `"${type}" is in a namespace of pawl's own events. Choose another first word.`,
    );
  }
}

/** Checks the name of a signal: as the name of a workflow. */
export function checkSignalName(name: unknown): asserts name is string {
  checkText('signal name', name, nameRule);
}

/** Checks the name of an output: as the name of a workflow. */
export function checkOutputName(name: unknown): asserts name is string {
  checkText('output name', name, nameRule);
}

/**
 * Checks the id of a message: 1–128 of `A–Z a–z 0–9 _ . ~ @ : / + -`. No spaces: pawl's own messages have them, and a
 * message whose id was seen before is taken for a repetition.
 */
export function checkMessageId(id: unknown): asserts id is string {
  checkText('signal id', id, {
    pattern: tagValuePattern,
    length: fixedLimits.runIdLength,
    allowed: 'A-Z a-z 0-9 _ . ~ @ : / + -',
  });
}

/** Checks the key of a signal, which tells one wait for it from another: as the id of a message. */
export function checkSignalKey(key: unknown): asserts key is string {
  checkText('signal key', key, {
    pattern: tagValuePattern,
    length: fixedLimits.tagValueLength,
    allowed: 'A-Z a-z 0-9 _ . ~ @ : / + -',
  });
}

/** Checks the first part of every key: 1–64 of `A–Z a–z 0–9 _ . -`. */
export function checkPrefix(prefix: unknown): asserts prefix is string {
  checkText('prefix', prefix, {
    pattern: prefixPattern,
    length: fixedLimits.nameLength,
    allowed: 'A-Z a-z 0-9 _ . -',
  });
}

/** Checks the id of a node: as the name of a workflow, and not `end`. */
export function checkNodeId(id: unknown): asserts id is string {
  checkText('node id', id, nameRule);
  if (id === 'end') throw new InvalidError('node id', '"end" is the end of every graph.');
}

/** Checks the name of a step: 1–256 printable characters. */
export function checkStepName(name: unknown): asserts name is string {
  checkText('step name', name, {
    pattern: printablePattern,
    length: fixedLimits.stepNameLength,
    allowed: 'printable characters other than ›',
  });
}

/** Checks the key of a run: 1–128 of `A–Z a–z 0–9 _ . ~ @ : / + -`. */
export function checkKey(key: unknown, field = 'key'): asserts key is string {
  checkText(field, key, {
    pattern: tagValuePattern,
    length: fixedLimits.tagValueLength,
    allowed: 'A-Z a-z 0-9 _ . ~ @ : / + -',
  });
}

/** Checks the tags of a run: at most 16, keys like names, values of a small alphabet. */
export function checkTags(tags: unknown): asserts tags is Readonly<Record<string, string>> {
  if (typeof tags !== 'object' || tags === null) {
    throw new InvalidError('tags', 'must be an object of strings.');
  }
  const entries = Object.entries(tags);
  if (entries.length > fixedLimits.tags) {
    throw new InvalidError(
      'tags',
      `has ${entries.length} entries, at most ${fixedLimits.tags} are kept.`,
    );
  }
  for (const [key, value] of entries) {
    checkText(`tag key ${quote(key)}`, key, { ...nameRule, length: fixedLimits.tagKeyLength });
    checkText(`tags.${key}`, value, {
      pattern: tagValuePattern,
      length: fixedLimits.tagValueLength,
      allowed: 'A-Z a-z 0-9 _ . ~ @ : / + -',
    });
  }
}

interface TextRule {
  readonly pattern: RegExp;
  readonly length: number;
  readonly allowed: string;
}

const nameRule: TextRule = {
  pattern: namePattern,
  length: fixedLimits.nameLength,
  allowed: 'a letter, then A-Z a-z 0-9 _ . -',
};

/** Checks the length of a page of runs: 1–500. */
export function checkPageLimit(limit: number): void {
  if (Number.isInteger(limit) && limit >= 1 && limit <= fixedLimits.runsPerPage) return;
  throw new InvalidError(
    'limit',
    `must be a whole number from 1 to ${fixedLimits.runsPerPage}, it is ${limit}.`,
  );
}

function checkText(field: string, value: unknown, rule: TextRule): asserts value is string {
  if (typeof value !== 'string') {
    throw new InvalidError(
      field,
      `must be a string, it is ${value === null ? 'null' : typeof value}.`,
    );
  }
  if (value.length === 0) throw new InvalidError(field, 'is empty.');
  if (value.length > rule.length) {
    throw new InvalidError(
      field,
      `has ${value.length} characters, at most ${rule.length} are allowed.`,
    );
  }
  if (!rule.pattern.test(value)) {
    throw new InvalidError(field, `${quote(value)} has characters outside: ${rule.allowed}.`);
  }
}

function quote(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);
}
