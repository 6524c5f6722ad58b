/**
 * An answer as a page has it, out of the chunks of a UI message stream. The page and the tests use it alike. The server
 * gives the class to the browser as its text, so it uses nothing from outside of it.
 */

export interface Part {
  kind: 'text' | 'tool' | 'error';
  text: string;
  /** Of a call of a tool. */
  call?: string;
  tool?: string;
  input?: unknown;
  state?: 'called' | 'asked' | 'answered' | 'done' | 'failed' | 'refused';
  /** What a person answers to. */
  approval?: string;
}

interface Chunk {
  readonly type: string;
  readonly [field: string]: unknown;
}

export class Transcript {
  parts: Part[] = [];
  isOver = false;
  /** Halves of calls that were made again, and so were dropped. */
  drops = 0;
  #stepAt = 0;

  /** The words of the answer, without its tools. */
  get text(): string {
    return this.parts.map(({ kind, text }) => (kind === 'text' ? text : '')).join('');
  }

  add(chunk: Chunk): void {
    const { type, toolCallId } = chunk;
    switch (type) {
      case 'start':
        this.parts = [];
        this.isOver = false;
        break;
      case 'start-step':
        this.#stepAt = this.parts.length;
        break;
      case 'reset-step':
        this.parts.length = this.#stepAt;
        this.drops += 1;
        break;
      case 'text-start':
        this.parts.push({ kind: 'text', text: '' });
        break;
      case 'text-delta': {
        const last = this.parts.at(-1);
        if (last !== undefined) last.text += String(chunk['delta']);
        break;
      }
      case 'tool-input-available':
        this.parts.push({
          kind: 'tool',
          text: '',
          call: String(toolCallId),
          tool: String(chunk['toolName']),
          input: chunk['input'],
          state: 'called',
        });
        break;
      case 'tool-approval-request':
        this.#tool(toolCallId, { state: 'asked', approval: String(chunk['approvalId']) });
        break;
      case 'tool-output-available':
        this.#tool(toolCallId, { state: 'done', text: JSON.stringify(chunk['output']) });
        break;
      case 'tool-output-denied':
        this.#tool(toolCallId, { state: 'refused' });
        break;
      case 'tool-output-error':
        this.#tool(toolCallId, { state: 'failed', text: String(chunk['errorText']) });
        break;
      case 'error':
        this.parts.push({ kind: 'error', text: String(chunk['errorText']) });
        this.isOver = true;
        break;
      case 'abort':
      case 'finish':
        this.isOver = true;
        break;
    }
  }

  #tool(call: unknown, change: Partial<Part>): void {
    const part = this.parts.find((one) => one.call === call);
    if (part !== undefined) Object.assign(part, change);
  }
}
