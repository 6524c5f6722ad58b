/** One place of a value, changed from the command line: `passengers.0.name="Ada"`. */
import { UsageError } from './failures.ts';
import { parseJson } from './settings.ts';

/** The value with one place changed. @throws UsageError when the path leads nowhere. */
export function editAt(value: unknown, given: string): unknown {
  const equals = given.indexOf('=');
  if (equals < 1) throw new UsageError(`--set ${given} must be path=json.`);
  const path = given.slice(0, equals);
  const to = parseJson(given.slice(equals + 1), `--set ${path}`);
  return changed(value, path.split('.'), { to, path });
}

function changed(
  value: unknown,
  [key, ...rest]: readonly string[],
  edit: { readonly to: unknown; readonly path: string },
): unknown {
  if (key === undefined) return edit.to;
  if (Array.isArray(value)) {
    const index = Number(key);
    if (!Number.isInteger(index) || index < 0 || index > value.length) {
      throw new UsageError(
        `--set ${edit.path}: ${key} is not a place in a list of ${value.length}.`,
      );
    }
    const list: unknown[] = [...(value as unknown[])];
    list[index] = changed(list[index], rest, edit);
    return list;
  }
  if (typeof value !== 'object' || value === null || key === '__proto__') {
    throw new UsageError(`--set ${edit.path}: only an object or a list can have ${key}.`);
  }
  const fields = value as Record<string, unknown>;
  return { ...fields, [key]: changed(fields[key], rest, edit) };
}
