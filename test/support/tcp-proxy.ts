/**
 * A TCP proxy in front of a Redis, with the faults of a network on demand. Bytes go through unread, so whatever speaks
 * TCP can stand behind it. Each client of a test may have a proxy of its own: a fault then hits that client alone.
 */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

export interface TcpProxyOptions {
  readonly target: { readonly host: string; readonly port: number };
}

export async function startTcpProxy({ target }: TcpProxyOptions): Promise<TcpProxy> {
  const proxy = new TcpProxy(target);
  await proxy.listen();
  return proxy;
}

/** What holds for all links of a proxy now. */
interface Weather {
  paused: boolean;
  partitioned: boolean;
  delayMs: number;
  /** Chunks of the server that are still to be swallowed. */
  repliesToDrop: number;
  /** The same, of connections that stay open afterwards. */
  repliesToLose: number;
}

export class TcpProxy {
  readonly #target: TcpProxyOptions['target'];
  readonly #server: Server;
  readonly #links = new Set<Link>();
  readonly #weather: Weather = {
    paused: false,
    partitioned: false,
    delayMs: 0,
    repliesToDrop: 0,
    repliesToLose: 0,
  };

  constructor(target: TcpProxyOptions['target']) {
    this.#target = target;
    this.#server = createServer((client) => this.#accept(client));
  }

  async listen(): Promise<void> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Connections that clients have open now. */
  connections(): number {
    return this.#links.size;
  }

  /** Holds both directions, the closing of connections included; nothing is lost. */
  pause(): void {
    this.#weather.paused = true;
  }

  /** Delivers what was held, in order. */
  resume(): void {
    this.#weather.paused = false;
    for (const link of this.#links) link.flow();
  }

  /** Ends all connections, on both sides; what was on its way is lost. New ones are welcome. */
  cut(): void {
    for (const link of this.#links) link.destroy();
  }

  /**
   * Swallows the next `count` chunks of the server, and then cuts the connections they were for: the requests were applied
   * and their answers are lost. A connection that has lost one chunk gets no later one either, because its client would take
   * it for the answer to another request.
   */
  dropReplies(count: number): void {
    this.#weather.repliesToDrop = count;
  }

  /** Swallows the next chunk of the server: its connection stays open, is listened to, and never says a word again. */
  loseReply(): void {
    this.#weather.repliesToLose = 1;
  }

  /** Lets every chunk take `ms` in each direction; 0 ends it. */
  delay(ms: number): void {
    this.#weather.delayMs = ms;
  }

  /** Closes the server's side of all connections without telling the clients: what they write vanishes. */
  halfOpen(): void {
    for (const link of this.#links) link.halve();
  }

  /** Loses every byte, both ways, and the closing of connections; new connections are accepted and never answered. */
  partition(): void {
    this.#weather.partitioned = true;
  }

  /** Ends the partition. Connections that lived through it are cut, because bytes of theirs are missing. */
  heal(): void {
    this.#weather.partitioned = false;
    this.cut();
  }

  async close(): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #accept(client: Socket): void {
    const link = new Link(client, this.#weather, {
      connect: () => connect(this.#target),
      ended: () => this.#links.delete(link),
      dropped: () => {
        if (this.#weather.repliesToDrop > 0) return;
        for (const one of this.#links) if (one.isDeaf) one.destroy();
      },
    });
    this.#links.add(link);
  }
}

interface LinkParts {
  readonly connect: () => Socket;
  readonly ended: () => void;
  /** A chunk for this link's client was swallowed. */
  readonly dropped: () => void;
}

/** One client's connection and the one behind it. */
class Link {
  /** Has lost a reply: gets no more, until it is cut. */
  isDeaf = false;
  /** Has lost one and is not going to be cut. */
  #isSilent = false;
  readonly #client: Socket;
  readonly #server: Socket | undefined;
  readonly #toServer: Pipe;
  readonly #toClient: Pipe;

  constructor(client: Socket, weather: Weather, parts: LinkParts) {
    this.#client = client;
    // Nobody is on the other side of a partition.
    const server = weather.partitioned ? undefined : parts.connect();
    this.#server = server;
    this.#toServer = new Pipe(server, weather);
    this.#toClient = new Pipe(client, weather);
    client.setNoDelay(true);
    client.on('data', (chunk) => this.#toServer.send(chunk));
    client.on('error', () => undefined);
    client.on('close', () => {
      parts.ended();
      this.#toServer.send('end');
    });
    server?.setNoDelay(true);
    server?.on('error', () => undefined);
    server?.on('close', () => this.#toClient.send('end'));
    server?.on('data', (chunk) => {
      if (weather.repliesToLose > 0) {
        weather.repliesToLose -= 1;
        this.#isSilent = true;
      }
      if (this.#isSilent) return;
      const drops = weather.repliesToDrop > 0;
      if (!drops && !this.isDeaf) return this.#toClient.send(chunk);
      this.isDeaf = true;
      if (drops) weather.repliesToDrop -= 1;
      parts.dropped();
    });
  }

  flow(): void {
    this.#toServer.flow();
    this.#toClient.flow();
  }

  halve(): void {
    this.#toServer.close();
    this.#toClient.close();
    this.#server?.destroy();
  }

  destroy(): void {
    this.halve();
    this.#client.destroy();
  }
}

interface Parcel {
  readonly what: Buffer | 'end';
  readonly arrivesAt: number;
}

/** One direction of a link: keeps the order, whatever the weather. */
class Pipe {
  readonly #sink: Socket | undefined;
  readonly #weather: Weather;
  readonly #parcels: Parcel[] = [];
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(sink: Socket | undefined, weather: Weather) {
    this.#sink = sink;
    this.#weather = weather;
  }

  send(what: Buffer | 'end'): void {
    if (this.#weather.partitioned || this.#closed) return;
    this.#parcels.push({ what, arrivesAt: performance.now() + this.#weather.delayMs });
    this.flow();
  }

  /** Delivers what has arrived. */
  flow(): void {
    clearTimeout(this.#timer);
    while (!this.#weather.paused) {
      const parcel = this.#parcels[0];
      if (parcel === undefined) return;
      const waitMs = parcel.arrivesAt - performance.now();
      if (waitMs > 0) {
        this.#timer = setTimeout(() => this.flow(), waitMs);
        return;
      }
      this.#parcels.shift();
      // What was on its way when the network was parted is lost as well.
      if (this.#weather.partitioned) continue;
      if (parcel.what === 'end') this.#sink?.destroy();
      else this.#sink?.write(parcel.what);
    }
  }

  close(): void {
    this.#closed = true;
    this.#parcels.length = 0;
    clearTimeout(this.#timer);
  }
}
