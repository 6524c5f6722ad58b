/** The parts of a model's stream as chunks of the AI SDK's UI message stream, which its pages read. */
import type { Part } from './parts.ts';

/** A chunk of the UI message stream. Its fields are those of `UIMessageChunk` of the AI SDK. */
export interface UiChunk {
  /** What it is about, such as `text-delta` or `tool-input-available`. */
  readonly type: string;
  readonly [field: string]: unknown;
}

/** The chunk that a part becomes; undefined for what a page is not told. */
export function toUi(part: Part): UiChunk | undefined {
  const { type, id, ...rest } = part;
  switch (type) {
    case 'text-start':
    case 'text-delta':
    case 'text-end':
    case 'reasoning-start':
    case 'reasoning-delta':
    case 'reasoning-end':
    case 'custom':
      return part;
    case 'tool-input-start':
      return { type, toolCallId: id, ...rest };
    case 'tool-input-delta':
      return { type, toolCallId: id, inputTextDelta: rest['delta'] };
    case 'tool-call':
      return toInput(rest);
    case 'tool-result':
      return toOutput(rest);
    case 'source':
      return toSource(part);
    case 'file':
    case 'reasoning-file':
      return toFile(part);
    case 'finish':
      return { type: 'finish-step' };
    default:
      return undefined;
  }
}

type Fields = Readonly<Record<string, unknown>>;

function toInput({ input, ...call }: Fields): UiChunk {
  try {
    const text = String(input).trim();
    return {
      ...call,
      type: 'tool-input-available',
      input: text === '' ? {} : (JSON.parse(text) as unknown),
    };
  } catch {
    const errorText = 'The model gave an input that is no JSON.';
    return { ...call, type: 'tool-input-error', input, errorText };
  }
}

/** Of a tool that the provider itself has called. */
function toOutput({ toolCallId, result, isError, preliminary, dynamic }: Fields): UiChunk {
  const call = { toolCallId, providerExecuted: true, ...(dynamic === true && { dynamic }) };
  if (isError === true) {
    return { ...call, type: 'tool-output-error', errorText: errorTextOf(result) };
  }
  const early = preliminary === true ? { preliminary } : {};
  return { ...call, ...early, type: 'tool-output-available', output: result };
}

function errorTextOf(result: unknown): string {
  return typeof result === 'string' ? result : (JSON.stringify(result) ?? '');
}

function toSource({ sourceType, id, url, title, mediaType, filename }: Part): UiChunk {
  return sourceType === 'url'
    ? { type: 'source-url', sourceId: id, url, title }
    : { type: 'source-document', sourceId: id, mediaType, title, filename };
}

/** A file is text in base 64, bytes, or one of them in an object that says which. */
function toFile({ type, mediaType, data }: Part): UiChunk {
  const inside: unknown =
    typeof data === 'object' && data !== null && !(data instanceof Uint8Array)
      ? ((data as Fields)['data'] ?? (data as Fields)['url'])
      : data;
  if (inside instanceof URL) return { type, mediaType, url: inside.href };
  const text =
    inside instanceof Uint8Array ? Buffer.from(inside).toString('base64') : String(inside);
  const isUrl = /^(https?|data):/.test(text);
  return { type, mediaType, url: isUrl ? text : `data:${String(mediaType)};base64,${text}` };
}
