import type { Delta, ProgressError } from "@emlinh/progress-protocol";
import type {
  ConnectionStatus,
  Effect,
  Machine,
  MachineEvent,
  Transport,
} from "../machine/events.js";
import { INITIAL, reduce } from "../machine/reduce.js";
import { dropped, type Exchange } from "../transports/exchange.js";
import { type Polled, poll } from "../transports/poll.js";
import { openStream, type StreamEnd, type StreamEvent } from "../transports/stream.js";
import type { ResolvedWatchOptions } from "./options.js";
import type { Places } from "./places.js";
import { makeTimers } from "./timers.js";

/** How the connection stands, for people and their pages. Nothing of it says how the job is doing. */
export interface ConnectionState {
  readonly status: ConnectionStatus;
  /** Failed tries since data last came. */
  readonly attempt: number;
  /** When the next try comes, while `waiting`. Milliseconds since the epoch, by this device's clock. */
  readonly retryAt?: number;
  /** What is in use, or will be tried next. */
  readonly transport: Transport;
  /** What went wrong last; gone once it works again. */
  readonly error?: ProgressError;
}

/** What a delta turned out to be. `unfit`: it can't be placed, and all must be read anew. */
type Taken = "new" | "old" | "end" | "unfit";

/** What a connection is for. */
export interface Purpose {
  readonly url: string;
  /** Where a place for a stream is asked for, if they are counted. */
  readonly places: Places | undefined;
  /** Takes a delta in without telling anyone; throws at a field of the wrong shape, and has then taken nothing in. @param now - The server's time. */
  take(delta: Delta, now: number): Taken;
  /** Tells everyone what was taken in, and how the connection stands. */
  publish(state: ConnectionState): void;
}

/** A job's connection, whatever it is made of at the moment. */
export interface Connection {
  /** Begins, once there is somebody to begin for. */
  start(): void;
  dispatch(event: MachineEvent): void;
  /** Runs what is due by the clock, and looks how things stand. */
  look(): void;
}

type Connect = Extract<Effect, { readonly run: "connect" }>;

/** A long poll that comes back empty sooner than this wasn't held. */
const HELD_MS = 1000;

/** Before the first listener. */
export const IDLE: ConnectionState = publicState(INITIAL, 0);

/** Runs the machine's effects: couples it to the network, the timers and the page. */
export function makeConnection(options: ResolvedWatchOptions, purpose: Purpose): Connection {
  const { clock, random, page } = options;
  const { url, places, take, publish } = purpose;
  const open = new Map<number, AbortController>();
  const timers = makeTimers(options.schedule, clock, look);
  const cancels: { [run in "elapsed" | "probe"]?: () => void } = {};
  let machine = INITIAL;
  let cleanUp = (): void => {};
  /** Where the copy stands; `undefined` asks for the whole state. */
  let cursor: string | undefined;
  let retryAt = 0;
  let retryMs = 0;
  let offsetMs = 0;

  function dispatch(event: MachineEvent): void {
    const [next, effects] = reduce(machine, { ...event, now: clock(), random: random() }, options);
    machine = next;
    for (const [connection, abort] of open) {
      if (connection === next.current || connection === next.probe) continue;
      open.delete(connection);
      abort.abort();
    }
    for (const effect of effects) run(effect);
    if (next.status === "closed" || next.status === "idle") cleanUp();
    publish(publicState(machine, retryAt));
  }

  function run(effect: Effect): void {
    if (effect.run === "connect") {
      void connect(effect);
      return;
    }
    const { run: kind, delayMs } = effect;
    cancels[kind]?.();
    if (kind === "elapsed") retryAt = clock() + delayMs;
    cancels[kind] = timers.schedule(() => dispatch({ kind }), delayMs);
  }

  /** Never rejects: an exchange ends in an outcome. */
  async function connect({ transport, connection, hold, refresh }: Connect): Promise<void> {
    const query = new URLSearchParams();
    const polls = transport === "poll";
    const waitMs = polls && hold ? options.pollWaitMs : 0;
    if (cursor) query.set("after", cursor);
    if (waitMs) query.set("wait", `${Math.ceil(waitMs / 1000)}`);
    const begunAt = clock();
    const request: Exchange = {
      ...options,
      url: `${url}?${query}`,
      refresh,
      abort: new AbortController(),
      limitMs: options.openTimeoutMs + waitMs,
      warn: () => dispatch({ kind: "silent", connection }),
      schedule: timers.schedule,
    };
    open.set(connection, request.abort);
    const outcome = await (polls
      ? poll(request)
      : openStream(request, options.minSilenceMs, (event) => hear(connection, event)));
    // An aborted connection's end is no news.
    if (open.delete(connection)) settle(connection, outcome, hold && clock() - begunAt < HELD_MS);
  }

  function hear(connection: number, event: StreamEvent): void {
    if (!open.has(connection)) return;
    if ("retryMs" in event) {
      retryMs = event.retryMs;
      return;
    }
    const { ageMs, now, delta } = event;
    synchronize(now);
    const healthy = delta ? accept(connection, delta) === "new" : ageMs >= options.healthyMs;
    dispatch({ kind: "alive", connection, healthy });
  }

  function settle(connection: number, outcome: Polled | StreamEnd, quick: boolean): void {
    if (outcome.kind === "polled") {
      synchronize(outcome.now);
      const taken = accept(connection, outcome.delta);
      dispatch({ kind: "polled", connection, unheld: quick && taken === "old" });
    } else if (outcome.kind === "dropped") {
      const floorMs = Math.max(outcome.bye ? 0 : retryMs, outcome.floorMs);
      dispatch({ ...outcome, connection, floorMs });
    } else if (outcome.kind === "refused") dispatch({ ...outcome, connection });
    // The server thinks that we have the end. We don't: whatever we asked with is wrong.
    else startOver(connection);
  }

  function accept(connection: number, delta: Delta): Taken {
    let taken: Taken = "unfit";
    try {
      taken = take(delta, clock() + offsetMs);
    } catch {
      // A field of the wrong shape. It is unfit, and nothing of the delta was taken in.
    }
    if (taken === "unfit") startOver(connection);
    else if (taken !== "old") cursor = delta.cursor;
    if (taken === "end") dispatch({ kind: "halt", status: "closed" });
    return taken;
  }

  function startOver(connection: number): void {
    const message = `The answer doesn't fit the cursor ${cursor}: all is asked for anew.`;
    cursor = undefined;
    settle(connection, dropped(message, true), false);
  }

  function synchronize(now: number | undefined): void {
    // A server that doesn't tell its time leaves us with our own.
    if (now) offsetMs = now - clock();
  }

  function look(): void {
    timers.catchUp();
    dispatch({ kind: "check" });
  }

  return {
    dispatch,
    look,
    start() {
      if (machine.status !== "idle") return;
      timers.start();
      let placed = !places;
      const leave = places?.take(() => {
        placed = true;
        dispatch({ kind: "probe", placed });
      });
      dispatch({ kind: "start", placed });
      const unhear = page?.((event) => {
        if (event === "check") look();
        else dispatch(event === "pause" ? { kind: "halt", status: "paused" } : { kind: event });
      });
      cleanUp = () => {
        cleanUp = () => {};
        timers.stop();
        leave?.();
        unhear?.();
      };
    },
  };
}

function publicState(
  { status, attempt, transport, error }: Machine,
  retryAt: number,
): ConnectionState {
  return {
    status,
    attempt,
    transport,
    ...(status === "waiting" && { retryAt }),
    ...(error && { error }),
  };
}
