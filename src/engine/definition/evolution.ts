/**
 * Runs outlive the code that started them. What was stored by older code is brought up to date when it is read:
 *
 *   snapshot of version n ──migrate[n], migrate[n+1] …──▶ state of today
 *   event of version n    ──upcast[type](data, n)──────▶ event of today
 *
 * The stored bytes are not touched: the next snapshot is simply written in today's version. A state that does not fit
 * today's schema afterwards is not guessed at; the run is set aside as it is.
 */
import { messageOfThrown } from '../../core/error-record.ts';
import { DefinitionError, PawlError } from '../../core/errors.ts';
import type { ClaimedData } from '../../core/event.ts';
import type { FoldEvent, State } from '../../core/fold.ts';
import { validate } from '../../core/schema.ts';
import type { AnyWorkflow } from './workflow.ts';

/** Brings a stored state to the workflow's version, step by step. */
export function migrateState(workflow: AnyWorkflow, state: State, from: number): State {
  let migrated = state;
  for (let version = from; version < workflow.version; version++) {
    const migrate = workflow.definition.migrate?.[version];
    if (migrate === undefined) continue;
    const next: unknown = migrate(migrated as never);
    if (typeof next !== 'object' || next === null) {
      throw new DefinitionError(
        `Workflow ${workflow.name}: migrate[${version}] must return a state, it returned ${String(next)}.`,
      );
    }
    migrated = next as State;
  }
  return migrated;
}

/** @throws PawlError `PAWL_STATE_MISFIT` when the state does not fit the workflow's schema. */
export function checkState(workflow: AnyWorkflow, state: State, from: number): void {
  const schema = workflow.definition.state;
  if (schema === undefined) return;
  try {
    validate(schema, state, 'state');
  } catch (error) {
    throw new PawlError(
      'PAWL_STATE_MISFIT',
      `The stored state, of version ${from}, does not fit workflow ${workflow.name} version ${workflow.version}: ` +
        `${messageOfThrown(error)} Nothing was changed; raise version and add migrate[${from}], then resume the run.`,
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
