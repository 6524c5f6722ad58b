/** Values of a graph as plain data, for logs, outputs and pages: what JSON has words for, and messages by their fields. */

interface Message {
  toDict(): { readonly type: string; readonly data: object };
}

const isMessage = (value: unknown): value is Message =>
  typeof value === 'object' &&
  value !== null &&
  'toDict' in value &&
  typeof value.toDict === 'function';

/** A message is its fields and its type, as LangGraph's clients expect; undefined stays. */
export function toPlain(value: unknown): unknown {
  if (value === undefined) return undefined;
  const json = JSON.stringify(value, function (this: Record<string, unknown>, key, shown: unknown) {
    // `toJSON` of a message was called already, and says more of the class than of the message.
    const raw = this[key];
    if (!isMessage(raw)) return shown;
    const { type, data } = raw.toDict();
    return { ...data, type };
  }) as string | undefined;
  return json === undefined ? undefined : (JSON.parse(json) as unknown);
}

/** Messages in lists and plain objects by their fields; all else as it is. */
export function withPlainMessages(value: unknown): unknown {
  if (isMessage(value)) return toPlain(value);
  if (Array.isArray(value)) return value.map(withPlainMessages);
  if (typeof value !== 'object' || value === null) return value;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => [key, withPlainMessages(one)]),
  );
}
