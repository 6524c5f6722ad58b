/**
 * What a model gives: the parts of its stream, in their two other forms. Shapes are those of the AI SDK's language models,
 * versions 3 and 4, as far as the adapter looks at them; all else of a part is passed on as it is.
 *
 *   parts of the stream ──toRecord──▶ what is stored: deltas of one part joined, nothing of the request
 *                       ──toUi──────▶ chunks of the UI message stream, for the page
 *                       ──toContent─▶ what a call without a stream returns, and back by `partsOf`
 */

/** A part of a model's stream, or of its content. */
export interface Part {
  readonly type: string;
  readonly [field: string]: unknown;
}

/** What a call without a stream returns. */
export interface Generated {
  readonly content: readonly Part[];
  readonly [field: string]: unknown;
}

const isDelta = (part: Part): boolean => /^(text|reasoning|tool-input)-delta$/.test(part.type);

/** Parts as they are stored: short deltas of one part become a long one. */
export class RecordedParts {
  readonly #parts: Part[] = [];
  /** Deltas that stand at the end, by their part. */
  #tail = new Map<unknown, { at: number; texts: string[] }>();

  add(part: Part): void {
    // For those who ask a provider for its own bytes; a second call would not bring the same ones.
    if (part.type === 'raw') return;
    if (!isDelta(part)) {
      this.#close();
      this.#parts.push(part);
      return;
    }
    const id = `${part.type} ${String(part['id'])}`;
    const open = this.#tail.get(id);
    if (open !== undefined && part['providerMetadata'] === undefined) {
      open.texts.push(String(part['delta']));
      return;
    }
    this.#tail.set(id, { at: this.#parts.length, texts: [String(part['delta'])] });
    this.#parts.push(part);
  }

  whole(): readonly Part[] {
    this.#close();
    return this.#parts;
  }

  #close(): void {
    for (const { at, texts } of this.#tail.values()) {
      this.#parts[at] = { ...(this.#parts[at] as Part), delta: texts.join('') };
    }
    this.#tail = new Map();
  }
}

/** What a call without a stream has given, as the parts that a stream would have had. */
export function* partsOf(content: readonly Part[]): Generator<Part> {
  for (const [i, part] of content.entries()) {
    if (part.type !== 'text' && part.type !== 'reasoning') {
      yield part;
      continue;
    }
    const { type, text, ...rest } = part;
    const id = String(i);
    yield { type: `${type}-start`, id };
    yield { type: `${type}-delta`, id, delta: text };
    yield { ...rest, type: `${type}-end`, id };
  }
}

/** What a call without a stream would have returned. */
export function toGenerated(parts: readonly Part[]): Generated {
  const content: Part[] = [];
  const open = new Map<unknown, number>();
  const about: Record<string, unknown> = { warnings: [] };
  for (const { type, ...part } of parts) {
    const [, kind, what] = /^(text|reasoning|tool-input)-(start|delta|end)$/.exec(type) ?? [];
    const { id, delta, ...rest } = part;
    if (kind === 'tool-input') continue;
    if (kind !== undefined) {
      const key = `${kind} ${String(id)}`;
      const at = open.get(key) ?? content.length;
      open.set(key, at);
      const before = content[at]?.['text'] as string | undefined;
      const text = `${before ?? ''}${what === 'delta' ? String(delta) : ''}`;
      content[at] = { ...content[at], ...given(rest), type: kind, text };
      if (what === 'end') open.delete(key);
    } else if (type === 'stream-start') about['warnings'] = part['warnings'] ?? [];
    else if (type === 'response-metadata') about['response'] = part;
    else if (type === 'finish') Object.assign(about, part);
    else content.push({ type, ...part });
  }
  return { ...about, content };
}

function given(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
