/**
 * Finds connections that have died without a word: the answer to a call was lost on its way, the other host vanished, a NAT
 * forgot the flow. The kernel would notice after a quarter of an hour.
 *
 *   owes an answer and is silent ──limit──▶ suspect ──others were answered since──▶ dropped, its calls go out again
 *                                              │
 *                                              └── nobody was: a new connection is tried, as a probe, again and again
 *
 * Redis answers in the order in which it is asked, on one thread. So whoever is silent while another connection, that was
 * asked later, has its answer, is dead. Where nobody is answered the server itself is slow, or away, and connections stay:
 * dropping them would look like the death of all workers. After `hardMs` ioredis drops them in any case.
 *
 * One dead connection is seldom alone. The others are asked at once, and those that cannot be, because they wait inside of
 * a blocking call, are made anew.
 */
import { Command, Redis } from 'ioredis';

/** How often silence is measured. It is counted in ticks, so that a process too busy to listen counts none. */
const tickMs = 100;
/** Silence that is never suspicious: the kernel may be sending a lost packet again. */
const limitMsMin = 500;
/**
 * The same while a connection is made: beginning again costs nothing there. Nothing is known of the way before
 * the first.
 */
const greetingMsMin = 250;
const firstGreetingMsMin = 2000;
/** Limit of silence in round trips of late. */
const tripsInLimit = 3;
/** A longer wait for an answer says more about the server than about the way to it. */
const tripMsMax = 1000;
/** What is left of the memory of a slow round trip after a tick: half of it after seven seconds. */
const memoryOfTrips = 0.99;
/** After so many drops in a row the limit is doubled: the way may be slower than was thought. */
const dropsPerDoubling = 4;
/** Bytes that go out within a millisecond even on a slow way, and the time that large calls are given for it at most. */
const bytesPerMs = 1000;
const uploadMsMax = 2000;
/**
 * The pause between probes grows by this part of the limit with each that was not answered: a frozen server has
 * many clients.
 */
const probeGrowth = 0.5;
/** Probes that are cut off tell nothing of the server, and cost it nothing. */
const cutProbeMs = 200;

/** All connections to one server. */
interface Server {
  readonly lines: Set<Line>;
  /** Longest round trip of late. */
  tripMs: number;
  /** When a connection was last heard, by the tick before. */
  heardAt: number | undefined;
  probe: Redis | undefined;
  nextProbeAt: number;
  unansweredProbes: number;
}

export class LineWatch {
  readonly #hardMs: number;
  readonly #servers = new Map<string, Server>();
  #timer: NodeJS.Timeout | undefined;
  #tickedAt = 0;

  /** `hardMs`: after so long a silence connections are dropped whatever others hear. */
  constructor(hardMs: number) {
    this.#hardMs = hardMs;
  }

  /** Watches a client until it is removed. `name` tells the nodes of a cluster apart. */
  add(client: Redis, name = ''): void {
    const server: Server = this.#servers.get(name) ?? {
      lines: new Set(),
      tripMs: 0,
      heardAt: undefined,
      probe: undefined,
      nextProbeAt: 0,
      unansweredProbes: 0,
    };
    this.#servers.set(name, server);
    server.lines.add(new Line(client, server, this.#hardMs));
    if (this.#timer !== undefined) return;
    this.#tickedAt = performance.now();
    this.#timer = setInterval(() => this.#tick(), tickMs).unref();
  }

  remove(client: Redis): void {
    for (const [name, { lines, probe: tried }] of this.#servers) {
      for (const line of lines) if (line.client === client) lines.delete(line);
      if (lines.size > 0) continue;
      tried?.disconnect();
      this.#servers.delete(name);
    }
    if (this.#servers.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #tick(): void {
    const now = performance.now();
    const elapsedMs = now - this.#tickedAt;
    this.#tickedAt = now;
    // After a late tick nobody has listened yet to what came meanwhile.
    const countedMs = elapsedMs > 2 * tickMs ? 0 : elapsedMs;
    for (const server of this.#servers.values()) {
      server.tripMs *= memoryOfTrips;
      const lines = [...server.lines];
      const heard = lines.filter((line) => line.measure(now, countedMs)).length > 0;
      for (const line of lines) if (line.isSuspect) judge(line, now);
      // Only now, so that whoever was answered in the same moment as the suspect is no witness against it.
      if (heard) server.heardAt = now;
    }
  }
}

/** A connection, and what it did of late. */
class Line {
  readonly client: Redis;
  readonly server: Server;
  readonly #hardMs: number;
  /** The numbers below are about this one. */
  #stream: Redis['stream'] | undefined;
  #bytesRead = 0;
  /** Bytes that were sent when the last answer came. */
  #bytesWritten = 0;
  /** A call whose round trip is measured. */
  #asked: { readonly command: Command; readonly at: number } | undefined;
  /** An answer was owed at the tick before. */
  #owes = false;
  /** How long an answer has been owed without a word. */
  silentMs = 0;
  /** Dropped in a row without an answer in between. */
  #drops = 0;

  constructor(client: Redis, server: Server, hardMs: number) {
    this.client = client;
    this.server = server;
    this.#hardMs = hardMs;
  }

  /** Notes what it did since the tick before; true when something was heard. */
  measure(now: number, countedMs: number): boolean {
    const { status, commandQueue } = this.client;
    // A client that was never connected has none.
    const stream = this.client.stream as Redis['stream'] | undefined;
    if (stream !== this.#stream) {
      this.#stream = stream;
      this.#bytesRead = 0;
      this.#bytesWritten = 0;
      this.#asked = undefined;
      this.#owes = false;
    }
    const isUp = status === 'ready' || status === 'connect';
    const isConnected = isUp && stream !== undefined;
    const owed = this.#owes;
    this.#owes = isConnected && commandQueue.length > 0;
    this.#measureTrip(now);
    if (!isConnected || stream.bytesRead === this.#bytesRead) {
      this.silentMs = owed && this.#owes ? this.silentMs + countedMs : 0;
      return false;
    }
    this.#bytesRead = stream.bytesRead;
    this.#bytesWritten = stream.bytesWritten;
    this.silentMs = 0;
    if (status === 'ready') this.#drops = 0;
    return true;
  }

  get isSuspect(): boolean {
    return this.silentMs > 0 && this.silentMs > this.limitMs + this.blockedMs;
  }

  /** Silence beyond what was asked for that is not suspicious. */
  get limitMs(): number {
    const { heardAt, tripMs } = this.server;
    const greetingMs = heardAt === undefined ? firstGreetingMsMin : greetingMsMin;
    const leastMs = this.client.status === 'ready' ? limitMsMin : greetingMs;
    const doublings = Math.floor(this.#drops / dropsPerDoubling);
    const limitMs = Math.max(leastMs, tripsInLimit * tripMs) * 2 ** doublings;
    const sent = (this.#stream?.bytesWritten ?? 0) - this.#bytesWritten;
    return Math.min(limitMs, this.#hardMs) + Math.min(sent / bytesPerMs, uploadMsMax);
  }

  /** How long the server may keep the oldest call waiting on purpose. */
  get blockedMs(): number {
    const command = this.client.commandQueue.peekFront()?.command as Command | undefined;
    if (command === undefined) return 0;
    const name = command.name.toLowerCase();
    if (name === 'wait') return Number(command.args[1]);
    if (name === 'waitaof') return Number(command.args[2]);
    if (!Command.checkFlag('BLOCKING_COMMANDS', name)) return 0;
    const ms = command.extractBlockingTimeout();
    return ms === 0 ? Infinity : (ms ?? 0);
  }

  drop(): void {
    this.#drops += 1;
    this.silentMs = 0;
    this.client.stream.destroy(new Error('a connection that owed an answer was silent'));
  }

  #measureTrip(now: number): void {
    if (this.#asked?.command.isSettled === true) {
      const ms = now - this.#asked.at - tickMs;
      this.server.tripMs = Math.max(this.server.tripMs, Math.min(ms, tripMsMax));
      this.#asked = undefined;
    }
    if (this.#asked !== undefined || !this.#owes || this.blockedMs > 0) return;
    const command = this.client.commandQueue.peekBack()?.command as Command | undefined;
    if (command !== undefined) this.#asked = { command, at: now };
  }
}

function judge(line: Line, now: number): void {
  const { client, server, silentMs, blockedMs, limitMs } = line;
  const { heardAt = 0 } = server;
  // Before it is ready there is nothing to lose by beginning again.
  if (client.status !== 'ready') {
    line.drop();
  } else if (heardAt > now - (silentMs - blockedMs) + limitMs / 2) {
    server.unansweredProbes = 0;
    line.drop();
    for (const other of server.lines) if (other !== line) ask(other, limitMs);
  } else if (now > server.nextProbeAt) {
    server.nextProbeAt = now + limitMs * (1 + probeGrowth * server.unansweredProbes);
    server.unansweredProbes += 1;
    probe(line);
  }
}

/** Another connection has died: whether this one lives is to be known soon. */
function ask(line: Line, limitMs: number): void {
  const { client, blockedMs, silentMs } = line;
  if (client.status !== 'ready') return;
  if (client.commandQueue.length === 0) client.ping().catch(() => undefined);
  else if (blockedMs > 0 && silentMs > limitMs) line.drop();
}

/** A new connection to where the line leads: whether anybody is answered there. */
function probe({ client, server }: Line): void {
  server.probe?.disconnect();
  const tried = new Redis({
    ...client.options,
    lazyConnect: true,
    enableReadyCheck: false,
    retryStrategy: null,
    commandTimeout: undefined,
    socketTimeout: undefined,
    replyMapping: 'legacy',
  });
  server.probe = tried;
  tried.on('error', () => undefined);
  const over = (): void => {
    if (server.probe === tried) server.probe = undefined;
    tried.disconnect();
  };
  const connect = async (): Promise<void> => {
    try {
      await tried.connect();
      server.heardAt = performance.now();
    } catch {
      // One that was given up for the next one says nothing.
      if (server.probe === tried) {
        server.nextProbeAt = performance.now() + cutProbeMs;
        server.unansweredProbes = 0;
      }
    } finally {
      over();
    }
  };
  connect().catch(() => undefined);
}
