import { checksFor } from "../../shared/option-checks.js";
import { after } from "../../shared/time.js";
import type {
  PostgresClient,
  PostgresListenClient,
  PostgresListener,
  PostgresPool,
} from "./client.js";

/** A connection, and how to be rid of it. */
interface Held {
  readonly client: PostgresListenClient;
  /** Makes it usable. Not before somebody hears its errors. */
  readonly open: () => Promise<unknown>;
  readonly drop: () => Promise<unknown>;
}

/** Between two tries to connect, at most. */
const MAX_BACKOFF_MS = 5_000;

/** A connection that held so long was a good one: the tries are counted anew. */
const GOOD_MS = 10_000;

/** For taking and opening a connection, be it that the pool has none to spare. */
const OPEN_TIMEOUT_MS = 10_000;

/** How a listener keeps its connection. */
export interface PgListenerOptions {
  /** Milliseconds between two questions whether the connection is still one, since a network that was cut says nothing by itself; it has a third of that to answer. @defaultValue `15_000` */
  readonly probeMs?: number | undefined;
}

const { duration } = checksFor("pgListener");
const DEFAULT_PROBE_MS = 15_000;

/**
 * Listens on a connection of its own, which goes past the pool: straight to the database where the pool goes through PgBouncer.
 *
 * A connection that breaks, or gives no answer, is replaced: after 0.1 to 0.2 s, then twice as long each time, up to 5 s.
 *
 * @param connect - Makes a client that isn't connected yet; the listener connects it, and ends it.
 * @throws ProgressError `invalid-option` if `probeMs` is no positive number.
 *
 * @example
 * ```ts
 * const listener = pgListener(() => new pg.Client({ connectionString: process.env.DIRECT_URL }));
 * const store = postgresStore({ pool, listener });
 * ```
 */
export function pgListener(
  connect: () => PostgresClient,
  { probeMs = DEFAULT_PROBE_MS }: PgListenerOptions = {},
): PostgresListener {
  return listenerOn(
    async () => {
      const client = connect();
      return { client, open: () => client.connect(), drop: () => client.end() };
    },
    duration("probeMs", probeMs),
  );
}

/** Listens on a connection out of the pool. It is never given back as it is: another would get its notifications. */
export function pooledListener(pool: PostgresPool): PostgresListener {
  return listenerOn(async () => {
    const client = await pool.connect?.();
    if (client === undefined) throw new TypeError("The pool has no connect().");
    return { client, open: async () => {}, drop: async () => client.release(true) };
  }, DEFAULT_PROBE_MS);
}

function listenerOn(take: () => Promise<Held>, probeMs: number): PostgresListener {
  return {
    async listen(channel, hear, changed) {
      const stopping = new AbortController();
      const { signal } = stopping;
      const kept = keepListening({ take, probeMs, channel, hear, changed, signal });
      return {
        async unlisten() {
          stopping.abort();
          await kept;
        },
      };
    },
  };
}

interface Listening {
  readonly take: () => Promise<Held>;
  readonly probeMs: number;
  readonly channel: string;
  readonly hear: (payload: string) => void;
  readonly changed: (trouble?: unknown) => void;
  readonly signal: AbortSignal;
}

/** One connection after the other, until it shall stop. Never rejects. */
async function keepListening(listening: Listening): Promise<void> {
  const { changed, signal } = listening;
  let failures = 0;
  while (!signal.aborted) {
    const since = performance.now();
    const trouble = await holdOne(listening).catch((error: unknown) => error);
    if (signal.aborted) return;
    failures = performance.now() - since > GOOD_MS ? 1 : failures + 1;
    changed(trouble);
    await pause(Math.min(MAX_BACKOFF_MS, 100 * 2 ** Math.min(failures, 10)), signal);
  }
}

/** Listens on one connection. Resolves with what ended it. */
async function holdOne(listening: Listening): Promise<unknown> {
  const { take, probeMs, channel, hear, changed, signal } = listening;
  const over = new AbortController();
  let end = (_reason: unknown): void => {};
  const ended = new Promise<unknown>((resolve) => {
    end = (reason) => {
      resolve(reason);
      over.abort();
    };
  });
  const stop = (): void => end(signal.reason);
  signal.addEventListener("abort", stop);
  let listens = false;
  void pause(OPEN_TIMEOUT_MS, over.signal).then(() => {
    if (!listens) end(new Error("There was no connection in time."));
  });
  const taking = take();
  try {
    const held = await Promise.race([taking, ended.then(() => undefined)]);
    if (held === undefined) return await ended;
    const { client, open } = held;
    client.on("error", end);
    client.on("end", () => end(new Error("The connection was closed.")));
    client.on("notification", (message) => {
      if (message.channel === channel) hear(message.payload ?? "");
    });
    const inForce = open().then(() => client.query(`listen "${channel}"`));
    inForce.then(() => {
      if (over.signal.aborted) return;
      listens = true;
      changed();
      void probe(client, probeMs, over.signal).then(end);
    }, end);
    return await ended;
  } finally {
    signal.removeEventListener("abort", stop);
    // It may be broken in any way, or come only now: nothing is wanted of it any more.
    const dropped = taking.then(({ drop }) => drop()).catch(() => {});
    await Promise.race([dropped, pause(1_000)]);
  }
}

/** Asks a connection again and again whether it is there. Resolves with what is wrong; never rejects. */
async function probe(
  client: PostgresListenClient,
  everyMs: number,
  over: AbortSignal,
): Promise<unknown> {
  for (;;) {
    await pause(everyMs, over);
    if (over.aborted) return over.reason;
    const late = new Error(`The connection gave no answer for ${everyMs / 3} ms.`);
    const trouble = await Promise.race([
      client.query("select 1").then(
        () => undefined,
        (error: unknown) => error,
      ),
      pause(everyMs / 3, over).then(() => late),
    ]);
    if (trouble !== undefined) return trouble;
  }
}

/** Waits, a little shorter than told by chance, so that processes that were cut off together don't come back together; or until it shall stop. */
function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const timer = after(ms * (0.5 + Math.random() / 2), done);
    signal?.addEventListener("abort", done);
    if (signal?.aborted) done();
  });
}
