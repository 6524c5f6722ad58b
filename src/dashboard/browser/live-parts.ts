/** A page over many runs stays true: the server sends the parts that have changed, for as long as somebody sees the page. */
import { parsed, say, whileSeen } from './page.ts';
import { replaceParts } from './parts.ts';

const retryMs = 2_000;

export function liveParts(root: HTMLElement): void {
  const { live } = root.dataset;
  if (live === undefined) return;
  const connect = (): (() => void) => {
    let retry: ReturnType<typeof setTimeout> | undefined;
    let closeNext = (): void => undefined;
    const source = new EventSource(live);
    source.addEventListener('parts', ({ data }: MessageEvent<string>) => {
      root.classList.add('is-live');
      say('live', 'Live: this page changes as the runs do.');
      replaceParts(parsed(data));
    });
    const lost = (text: string): void => {
      root.classList.remove('is-live');
      say('live', text);
    };
    source.addEventListener('lost', () =>
      lost('The store does not answer; what you see was read before. Trying again.'),
    );
    source.addEventListener('error', () => {
      lost('The connection was lost; trying again.');
      if (source.readyState !== EventSource.CLOSED) return;
      retry = setTimeout(() => {
        closeNext = connect();
      }, retryMs);
    });
    return () => {
      clearTimeout(retry);
      closeNext();
      source.close();
      root.classList.remove('is-live');
    };
  };
  whileSeen(connect);
}
