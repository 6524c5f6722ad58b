/** What a configuration of LangGraph says of a place, checked. */
import { InvalidError } from '../core/errors.ts';
import { type Config, getCheckpointId } from './contract.ts';
import { checkId, checkNamespace, runOf } from './thread-ids.ts';

export interface AskedPlace {
  readonly thread: string;
  readonly run: string;
  readonly namespace: string;
  readonly checkpoint: string | undefined;
}

/** @throws InvalidError when no thread is named, or a part cannot be stored. */
export function placeIn(config: Config): AskedPlace {
  const { configurable } = config;
  if (configurable?.['thread_id'] === undefined) {
    throw new InvalidError(
      'config.configurable.thread_id',
      'is missing. Nothing was written. Pass { configurable: { thread_id } } when you invoke the graph.',
    );
  }
  const thread = checkId(configurable['thread_id'], 'thread_id');
  const checkpoint = getCheckpointId(config);
  return {
    thread,
    run: runOf(thread),
    namespace: checkNamespace(configurable['checkpoint_ns']),
    checkpoint: checkpoint === '' ? undefined : checkId(checkpoint, 'checkpoint_id'),
  };
}

/** The configuration that names a checkpoint. */
export function configOf(thread: string, namespace: string, checkpoint: string): Config {
  return {
    configurable: { thread_id: thread, checkpoint_ns: namespace, checkpoint_id: checkpoint },
  };
}
