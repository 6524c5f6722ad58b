/** A visitor of the page without a browser: asks as the page does, and reads its answers with the page's own transcript. */
import { Transcript } from './transcript.ts';

export class Visitor {
  readonly #url: string;
  #turn = 0;

  constructor(url: string, id: string) {
    this.#url = `${url}api/${id}`;
  }

  async enter(): Promise<void> {
    await this.#asked(fetch(this.#url));
  }

  /** Asks, and resolves when the answer is complete. `onChunk` sees the transcript after each chunk. */
  async ask(
    text: string,
    onChunk: (transcript: Transcript) => unknown = () => undefined,
  ): Promise<Transcript> {
    const turn = `${this.#url}/${this.#turn}`;
    this.#turn += 1;
    await this.#post(`${turn}/question`, { text });
    const transcript = new Transcript();
    const { body } = await this.#asked(fetch(`${turn}/answer`));
    if (body === null) throw new Error('The answer has no body.');
    let rest = '';
    for await (const bytes of body.pipeThrough(new TextDecoderStream())) {
      const events = `${rest}${bytes}`.split('\n\n');
      rest = events.pop() ?? '';
      for (const event of events) {
        const [, data] = /^data: (.*)$/m.exec(event) ?? [];
        if (data === undefined || data === '[DONE]') continue;
        transcript.add(JSON.parse(data) as { type: string });
        await onChunk(transcript);
      }
    }
    return transcript;
  }

  async approve(wait: string, approved: boolean): Promise<void> {
    await this.#post(`${this.#url}/approval`, { wait, approved });
  }

  /** Kills the worker that answers. */
  async kill(): Promise<void> {
    await this.#post(`${this.#url}/kill`, {});
  }

  async #post(url: string, body: object): Promise<void> {
    const headers = { 'Content-Type': 'application/json' };
    await this.#asked(fetch(url, { method: 'POST', headers, body: JSON.stringify(body) }));
  }

  async #asked(answer: Promise<Response>): Promise<Response> {
    const response = await answer;
    if (!response.ok)
      throw new Error(`${response.url}: ${response.status} ${await response.text()}`);
    return response;
  }
}
