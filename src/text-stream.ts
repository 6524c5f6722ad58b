/**
 * The body of a response that goes on: texts as they come. The next one is read when the client has taken the one before,
 * so a slow client holds one of them in memory. While nothing comes, a ping keeps what is between from giving up.
 */
const pingMs = 15_000;

export interface TextStreamOptions {
  /** The request is over. */
  readonly signal: AbortSignal;
  /** Means nothing to the client. */
  readonly ping: string;
}

/** Empty texts are left out. The signal that `make` gets fires when the client has left. */
export function textStream(
  make: (signal: AbortSignal) => AsyncGenerator<string>,
  { signal, ping }: TextStreamOptions,
): ReadableStream<Uint8Array> {
  const text = new TextEncoder();
  const left = new AbortController();
  const texts = make(AbortSignal.any([signal, left.signal]));
  let pinging: NodeJS.Timeout | undefined;
  return new ReadableStream<Uint8Array>({
    start(controller) {
      pinging = setInterval(() => {
        if ((controller.desiredSize ?? 0) > 0) controller.enqueue(text.encode(ping));
      }, pingMs);
      pinging.unref();
    },
    async pull(controller) {
      try {
        let next = await texts.next();
        while (next.done !== true && next.value === '') next = await texts.next();
        if (next.done !== true) {
          controller.enqueue(text.encode(next.value));
          return;
        }
        clearInterval(pinging);
        controller.close();
      } catch (error) {
        clearInterval(pinging);
        controller.error(error);
      }
    },
    cancel() {
      clearInterval(pinging);
      left.abort();
    },
  });
}
