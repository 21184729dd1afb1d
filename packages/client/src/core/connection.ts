import {
  type Delta,
  isTerminal,
  type JobTypes,
  type ProgressError,
} from "@emlinh/progress-protocol";
import type { ConnectionStatus, MachineEvent, Transport } from "../machine/events.js";
import { holdMs, INITIAL, reduce } from "../machine/reduce.js";
import { transport } from "../transports/transport.js";
import { type Copy, follow, type News } from "./copy.js";
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
export interface Purpose<Job extends JobTypes> {
  readonly jobId: string;
  readonly url: string;
  readonly onStart: Neighbours["onStart"];
  /** Tells everyone what was taken in since the last time, and how the connection stands. */
  publish(connection: ConnectionState, copy: Copy<Job> | undefined, news: readonly News[]): void;
}

/** A job's connection, whatever it is made of at the moment. */
export interface Connection {
  /** Begins, once there is somebody to begin for. */
  start(): void;
  /** How it stands. */
  state(): ConnectionState;
  dispatch(event: MachineEvent): void;
  /** Looks how things stand, by the clock; or tells what befalls the page. */
  look(kind?: PageEvent): void;
}

/** Runs what the machine says: couples it to the network, the timers and the page. */
export function makeConnection<Job extends JobTypes>(
  options: ResolvedWatchOptions,
  { jobId, url, onStart, publish }: Purpose<Job>,
): Connection {
  const { clock, random, page, schedule, maxLogLines } = options;
  /** What runs, by name (a connection's is its number), and how it is called off. */
  const running: { [name: string]: (() => void) | undefined } = {};
  let machine = INITIAL;
  /** Where the copy stands; `undefined` asks for the whole state. */
  let cursor: string | undefined;
  let copy: Copy<Job> | undefined;
  const news: News[] = [];
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
    for (const connection of [next.current, next.probe]) if (connection > last) connect(connection);
    publish(state(), copy, news.splice(0));
  }

  function state(): ConnectionState {
    const { status, attempt, transport, error } = machine;
    return {
      status,
      attempt,
      transport,
      ...(status === "waiting" && { retryAt }),
      ...(error && { error }),
    };
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
    // How late a timer is when the clock has jumped: timers don't count the time that the device slept.
    const JUMP_MS = 10_000;
    const dueAt = clock() + delayMs;
    running[name]?.();
    running[name] = schedule(() => {
      run();
      if (clock() - dueAt > JUMP_MS) look();
    }, delayMs);
  }

  function tick(): void {
    const TICK_MS = 5000;
    wait("tick", tick, TICK_MS);
  }

  function connect(connection: number): void {
    const polls = machine.transport === "poll" && connection !== machine.probe;
    const waitMs = polls ? holdMs(machine, options) : 0;
    const query = new URLSearchParams({
      ...(cursor && { after: cursor }),
      ...(waitMs && { wait: `${Math.ceil(waitMs / 1000)}` }),
    });
    const abort = new AbortController();
    running[connection] = () => abort.abort();
    void transport({
      ...options,
      url: `${url}?${query}`,
      refresh: machine.refreshed,
      signal: abort.signal,
      polls,
      waitMs,
      hear,
      schedule(run, delayMs) {
        suspectAt = clock() + delayMs;
        return schedule(run, delayMs);
      },
      retry(ms) {
        retryMs = ms;
      },
      tell(event) {
        if (isTerminal(copy?.job.status)) dispatch({ kind: "close" });
        else if (event.kind !== "dropped" || event.bye) dispatch({ ...event, connection });
        else dispatch({ ...event, connection, floorMs: Math.max(event.floorMs, retryMs) });
      },
    });
  }

  function hear(delta: Delta | false, now: number | undefined): boolean {
    // A server that doesn't tell its time leaves us with our own.
    if (now) offsetMs = now - clock();
    if (delta === false) return false;
    // Until it is taken in: whatever doesn't fit is asked for anew.
    cursor = undefined;
    const next = follow(jobId, copy, delta, { now: clock() + offsetMs, maxLogLines });
    if (!next) throw new RangeError("It doesn't fit what is known of the job.");
    cursor = next.cursor;
    if (next === copy) return false;
    copy = next;
    news.push(...next.news);
    return true;
  }

  function look(kind: PageEvent = "check"): void {
    dispatch({ kind, suspect: clock() >= suspectAt });
  }

  return {
    state,
    dispatch,
    look,
    start() {
      if (machine.status !== "idle") return;
      tick();
      running.start = onStart?.(() => dispatch({ kind: "probe" }));
      dispatch({ kind: "start" });
      if (page) running.page = page(look);
      // A listener may have stopped it meanwhile.
      tidy();
    },
  };
}
