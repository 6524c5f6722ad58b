/**
 * Runs outlive the code that started them. What was stored by older code is brought up to date when it is read:
 *
 *   snapshot of version n ──migrate[n], migrate[n+1] …──▶ state of today
 *   event of version n    ──upcast[type](data, n)──────▶ event of today
 *
 * The stored bytes are not touched: the next snapshot is simply written in today's version. A state that does not fit
 * today's schema afterwards is not guessed at; the run is quarantined as it is.
 */
import { messageOfThrown } from '../../core/error-record.ts';
import { DefinitionError, RunError } from '../../core/errors.ts';
import type { ClaimedData } from '../../core/event.ts';
import type { FoldEvent, State } from '../../core/fold.ts';
import { isPlainObject } from '../../core/plain-copy.ts';
import { nameOf } from '../../core/refusal.ts';
import { validate } from '../../core/schema.ts';
import { isThenable, letGo } from '../../core/thenable.ts';
import type { AnyWorkflow } from './workflow.ts';

/** Brings a stored state to the workflow's version, step by step. */
export function migrateState(workflow: AnyWorkflow, state: State, from: number): State {
  let migrated = state;
  for (let version = from; version < workflow.version; version++) {
    const migrate = workflow.definition.migrate?.[version];
    if (migrate === undefined) continue;
    const next: unknown = migrate(migrated as never);
    if (!isPlainObject(next)) {
      if (isThenable(next)) letGo(next);
      const what = typeof next === 'object' && next !== null ? `a ${nameOf(next)}` : String(next);
      throw new DefinitionError(
        `Workflow ${workflow.name}: migrate[${version}] must return a state, it returned ${what}.`,
      );
    }
    migrated = next;
  }
  return migrated;
}

/**
 * `from`: the version of the code that stored the state.
 * @throws RunError `PAWL_STATE_MISFIT` when the state does not fit the workflow's schema.
 */
export function checkState(
  workflow: AnyWorkflow,
  state: State,
  { run, from }: { readonly run: string; readonly from: number },
): void {
  const { name, version, definition } = workflow;
  if (definition.state === undefined) return;
  try {
    validate(definition.state, state, 'state');
  } catch (error) {
    const what = `The state of run ${run}, stored by version ${from}, does not fit workflow ${name} version ${version}: ${messageOfThrown(error)}`;
    const cure =
      from === version
        ? `raise version and add migrate[${from}]`
        : `let migrate[${from}], and those up to version ${version}, make one that fits`;
    throw new RunError(
      'PAWL_STATE_MISFIT',
      run,
      `${what} Nothing was changed; ${cure}, then resume the run.`,
      { cause: error },
    );
  }
}

/** Reads the events of a log one after the other, knowing which version of the code wrote each. */
export class Upcaster {
  readonly #workflow: AnyWorkflow;
  #version: number;

  /** `version`: of the code that wrote the first event to come. */
  constructor(workflow: AnyWorkflow, version: number) {
    this.#workflow = workflow;
    this.#version = version;
  }

  upcast(event: FoldEvent): FoldEvent {
    if (event.type === 'run.claimed') {
      this.#version = (event.data as ClaimedData).codeVersion;
      return event;
    }
    const upcast = this.#workflow.definition.upcast?.[event.type];
    if (upcast === undefined || this.#version >= this.#workflow.version) return event;
    return { type: event.type, data: upcast(event.data as never, this.#version) };
  }
}
