import type { AnyJob, Delta, ProgressError } from "@emlinh/progress-protocol";
import type { ConnectionStatus, Machine, MachineEvent, Transport } from "../machine/events.js";
import { holdMs, INITIAL, reduce } from "../machine/reduce.js";
import { transport } from "../transports/transport.js";
import type { Copy } from "./copy.js";
import type { ResolvedWatchOptions } from "./options.js";
import type { PageEvent } from "./page.js";

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

/** What a watch shares with others. */
export interface Neighbours {
  /** Called before it connects. @param probe - Tries the stream, if it polls. @returns what is called when it is over. */
  readonly onStart?: ((probe: () => void) => () => void) | undefined;
  /** Told how the connection stands, after each change of it. */
  readonly onMoved?: ((connection: ConnectionState) => void) | undefined;
}

/** What a connection is for. */
export interface Purpose {
  readonly url: string;
  readonly onStart: Neighbours["onStart"];
  /** Takes a delta in without telling anyone; throws at one that doesn't fit, and has then taken nothing in. @param now - The server's time. */
  take(delta: Delta | undefined, now: number): Pick<Copy<AnyJob>, "cursor" | "ended">;
  /** Tells everyone what was taken in, and how the connection stands. */
  publish(state: ConnectionState): void;
}

/** A job's connection, whatever it is made of at the moment. */
export interface Connection {
  /** Begins, once there is somebody to begin for. */
  start(): void;
  dispatch(event: MachineEvent): void;
  /** Looks how things stand, by the clock; or tells what befalls the page. */
  look(kind?: PageEvent): void;
}

/** How often the clock is looked at. */
const TICK_MS = 5000;
/** How late a timer is when the clock has jumped: timers don't count the time that the device slept. */
const JUMP_MS = 10_000;

/** Before the first listener. */
export const IDLE: ConnectionState = publicState(INITIAL, 0);

/** Runs what the machine says: couples it to the network, the timers and the page. */
export function makeConnection(options: ResolvedWatchOptions, purpose: Purpose): Connection {
  const { clock, random, page, schedule } = options;
  const { url, onStart, take, publish } = purpose;
  /** What runs, by name (a connection's is its number), and how it is called off. */
  const running: { [name: string]: (() => void) | undefined } = {};
  let machine = INITIAL;
  /** Where the copy stands; `undefined` asks for the whole state. */
  let cursor: string | undefined;
  let ended = false;
  let retryAt = 0;
  let retryMs = 0;
  let offsetMs = 0;
  let suspectAt = 0;

  function dispatch(event: MachineEvent): void {
    const { last } = machine;
    const [next, waits] = reduce(machine, { ...event, now: clock(), random: random() }, options);
    machine = next;
    tidy();
    for (const [name, delayMs] of Object.entries(waits)) {
      if (name === "elapsed") retryAt = clock() + delayMs;
      wait(name, () => dispatch({ kind: name as keyof typeof waits }), delayMs);
    }
    for (const connection of [next.current, next.probe])
      if (connection > last) void connect(connection);
    publish(publicState(machine, retryAt));
  }

  /** Calls off the connections that don't count any more, and everything once nobody listens. */
  function tidy(): void {
    const { status, current, probe } = machine;
    for (const name in running)
      if (
        status === "closed" ||
        status === "idle" ||
        (Number(name) && Number(name) !== current && Number(name) !== probe)
      ) {
        running[name]?.();
        delete running[name];
      }
  }

  function wait(name: string, run: () => void, delayMs: number): void {
    const dueAt = clock() + delayMs;
    running[name]?.();
    running[name] = schedule(() => {
      run();
      if (clock() - dueAt > JUMP_MS) look();
    }, delayMs);
  }

  function tick(): void {
    wait("tick", tick, TICK_MS);
  }

  /** Never rejects: a request ends in an outcome. */
  async function connect(connection: number): Promise<void> {
    const polls = machine.transport === "poll" && connection !== machine.probe;
    const waitMs = polls ? holdMs(machine, options) : 0;
    const query = new URLSearchParams();
    if (cursor) query.set("after", cursor);
    if (waitMs) query.set("wait", `${Math.ceil(waitMs / 1000)}`);
    const abort = new AbortController();
    running[connection] = () => abort.abort();
    const outcome = await transport({
      ...options,
      url: `${url}?${query}`,
      refresh: machine.refreshed,
      abort,
      polls,
      waitMs,
      hear,
      warn: () => dispatch({ kind: "silent", connection }),
      retry(ms) {
        retryMs = ms;
      },
      alive(healthy, limitMs) {
        suspectAt = clock() + limitMs / 2;
        tell({ kind: "alive", connection, healthy });
      },
    });
    const floorMs = Math.max(outcome.floorMs ?? 0, outcome.bye ? 0 : retryMs);
    tell({ ...outcome, connection, floorMs } as MachineEvent);
  }

  function tell(event: MachineEvent): void {
    dispatch(ended ? { kind: "close" } : event);
  }

  function hear(delta: Delta | false | undefined, now: number | undefined): boolean {
    // A server that doesn't tell its time leaves us with our own.
    if (now) offsetMs = now - clock();
    if (delta === false) return false;
    const before = cursor;
    // Until it is taken in: whatever doesn't fit is asked for anew.
    cursor = undefined;
    ({ cursor, ended } = take(delta, clock() + offsetMs));
    return cursor !== before;
  }

  function look(kind: PageEvent = "check"): void {
    dispatch({ kind, suspect: clock() >= suspectAt });
  }

  return {
    dispatch,
    look,
    start() {
      if (machine.status !== "idle") return;
      tick();
      running.start = onStart?.(() => dispatch({ kind: "probe" }));
      dispatch({ kind: "start" });
      running.page = page?.(look);
      // A listener may have stopped it meanwhile.
      tidy();
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
