import { applyDelta, type Delta, deltaAfter, emptyReplica } from "@emlinh/progress-protocol";
import { afterEach, beforeEach, vi } from "vitest";
import {
  allowAnyone,
  createProgress,
  type Progress,
  type ProgressError,
  type ProgressOptions,
  type RequestFacts,
  type Sink,
  type Subscription,
} from "../../src/index.js";
import { type FaultyStore, faultyStore } from "./faulty-store.js";

/** A server over a store that can be broken, in a time that the test moves. */
export interface World {
  readonly progress: Progress;
  readonly store: FaultyStore;
  /** What `onError` was told. */
  readonly errors: ProgressError[];
  /** A queued job's id. */
  job(id?: string): Promise<string>;
  /** Another hand's write. */
  set(id: string, fields: Record<string, unknown>, lines?: readonly string[]): Promise<void>;
}

/** A world whose dice always show one half, so that jitter is the same in every run. */
export function makeWorld(
  options: Partial<ProgressOptions> = {},
  store: FaultyStore = faultyStore(),
): World {
  const errors: ProgressError[] = [];
  const progress = createProgress({
    store,
    authorize: allowAnyone,
    sweepIntervalMs: false,
    random: () => 0.5,
    onError: (error) => errors.push(error),
    ...options,
  });
  opened.push(progress);
  return {
    progress,
    store,
    errors,
    job: async (id) => (await progress.create({ kind: "test", id })).id,
    async set(id, fields, lines = []) {
      const log = lines.map((text) => ({ at: 1, level: "info" as const, text }));
      await store.write(id, { set: fields as Record<string, string>, log });
    },
  };
}

const opened: Progress[] = [];

/** Stops time for each test of a file; what a test opened is closed after it. */
export function useFakeTime(): void {
  beforeEach(() => {
    vi.useFakeTimers({ now: 1_700_000_000_000 });
  });
  afterEach(async () => {
    const closing = Promise.all(opened.splice(0).map((progress) => progress.close()));
    await vi.advanceTimersByTimeAsync(60_000);
    await closing;
    vi.useRealTimers();
  });
}

/** Lets time pass, and all that comes of it. */
export async function pass(ms: number): Promise<void> {
  await vi.advanceTimersByTimeAsync(ms);
}

/** One frame, read back. */
interface SentEvent {
  readonly event: string;
  readonly id: string | undefined;
  readonly retry: number | undefined;
  readonly data: Record<string, unknown>;
}

/** A request as an adapter would tell it. */
export function facts(
  target: string,
  headers: Record<string, string> = {},
  more: Partial<RequestFacts> = {},
): RequestFacts {
  const [path = "", query = ""] = target.split("?");
  return {
    method: "GET",
    path,
    query: new URLSearchParams(query),
    header: (name) => headers[name],
    raw: { headers },
    signal: new AbortController().signal,
    ...more,
  };
}

/** A response without a socket: it keeps what it was given, and takes nothing while it is full. */
export interface FakeSink extends Sink {
  readonly events: SentEvent[];
  readonly chunks: Uint8Array[];
  /** Writes that this sink still takes before it is full. */
  room: number;
  ended: boolean;
  destroyed: boolean;
  /** Breaks the rule "nothing more until drained". */
  writtenWhileFull: number;
  /** Whose sink this is, once it has one. */
  subscription: Subscription | undefined;
  /** Whether the response is over as soon as it is ended; else the test says when, by `subscription.closed()`. */
  closes: boolean;
  /** Takes what is buffered, and tells the subscription as an adapter would. */
  drain(room?: number): void;
  /** The snapshot of a reader's replica after everything that was written; `undefined` before the first. */
  state(): Delta | undefined;
  deltas(): Delta[];
}

export function fakeSink(room: number = Number.POSITIVE_INFINITY): FakeSink {
  const sink: FakeSink = {
    events: [],
    chunks: [],
    room,
    ended: false,
    destroyed: false,
    subscription: undefined,
    closes: true,
    writtenWhileFull: 0,
    write(bytes) {
      if (sink.ended || sink.destroyed) throw new Error("Written after the end.");
      if (sink.room <= 0) sink.writtenWhileFull += 1;
      sink.room -= 1;
      sink.chunks.push(bytes);
      sink.events.push(...readFrames(new TextDecoder().decode(bytes)));
      return sink.room > 0;
    },
    end() {
      if (sink.ended || sink.destroyed) throw new Error("Ended twice.");
      sink.ended = true;
      if (sink.closes) queueMicrotask(() => sink.subscription?.closed());
    },
    destroy() {
      if (sink.destroyed) throw new Error("Destroyed twice.");
      sink.destroyed = true;
    },
    drain(more = Number.POSITIVE_INFINITY) {
      sink.room = more;
      sink.subscription?.drained();
    },
    deltas: () =>
      sink.events.flatMap(({ event, data }) =>
        ["snapshot", "progress", "log", "end"].includes(event) ? [deltaOf(data)] : [],
      ),
    state() {
      const replica = emptyReplica();
      for (const delta of sink.deltas()) applyDelta(replica, delta);
      return replica.version === 0 ? undefined : deltaAfter(replica);
    },
  };
  return sink;
}

/** Opens a stream as a reader would. @throws if it is refused. */
export async function openStream(
  progress: Progress,
  jobId: string,
  { cursor, sink = fakeSink() }: { cursor?: string | undefined; sink?: FakeSink } = {},
): Promise<FakeSink> {
  const headers = { accept: "text/event-stream", ...(cursor && { "last-event-id": cursor }) };
  const answer = await progress.handle(facts(`/${jobId}`, headers));
  if (answer.kind !== "stream") throw new Error(`The answer was ${answer.status} ${answer.body}`);
  sink.subscription = answer.subscribe(sink);
  return sink;
}

/** A delta as it was sent. It is not checked: these tests set fields to any values. */
function deltaOf(data: Record<string, unknown>): Delta {
  return { reset: false, log: [], done: false, ...data } as unknown as Delta;
}

function readFrames(text: string): SentEvent[] {
  return text
    .split("\n\n")
    .filter((frame) => frame !== "")
    .map((frame) => {
      const line = (name: string): string | undefined =>
        frame
          .split("\n")
          .find((candidate) => candidate.startsWith(`${name}: `))
          ?.slice(name.length + 2);
      const retry = line("retry");
      return {
        event: line("event") ?? "",
        id: line("id"),
        retry: retry === undefined ? undefined : Number(retry),
        data: JSON.parse(line("data") ?? "null"),
      };
    });
}

/** Lets everything run that waits for nothing but promises, until a condition holds. */
export async function settled(condition: () => boolean): Promise<void> {
  for (let turn = 0; turn < 1000; turn += 1) {
    if (condition()) return;
    await Promise.resolve();
  }
  throw new Error(`Still not: ${condition}`);
}
