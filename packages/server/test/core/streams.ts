import { applyDelta, type Delta, deltaAfter, emptyReplica } from "@emlinh/progress-protocol";
import type { Answer, Progress, RequestFacts, Sink, Subscription } from "../../src/index.js";
import { requestFacts } from "./requests.js";

/** One frame, decoded. */
interface SentEvent {
  readonly event: string;
  readonly id: string | undefined;
  readonly retry: number | undefined;
  readonly data: Record<string, unknown>;
}

/** A sink without a socket. It keeps the bytes and the decoded events. It reports backpressure when it is full. */
export interface FakeSink extends Sink {
  readonly events: SentEvent[];
  readonly chunks: Uint8Array[];
  /** Number of writes until the sink is full. */
  capacity: number;
  ended: boolean;
  destroyed: boolean;
  /** Number of writes that were made although the sink was full. It must stay 0. */
  writesWhileFull: number;
  /** The subscription that writes to this sink. */
  subscription: Subscription | undefined;
  /** Whether the response closes by itself after `end()`. If false, the test calls `subscription.closed()`. */
  closesWhenEnded: boolean;
  /** Empties the buffer and notifies the subscription, as an adapter does. */
  drain(capacity?: number): void;
  /**
   * The snapshot of a replica after all deltas that were written; `undefined` if there was none.
   *
   * @param job - One of many jobs.
   */
  state(job?: string): Delta | undefined;
  deltas(job?: string): Delta[];
  /** The events, each with its job or subject if it has one: `"snapshot a"`, `"listed user:1"`. */
  names(): string[];
}

export function fakeSink(capacity: number = Number.POSITIVE_INFINITY): FakeSink {
  const sink: FakeSink = {
    events: [],
    chunks: [],
    capacity,
    ended: false,
    destroyed: false,
    subscription: undefined,
    closesWhenEnded: true,
    writesWhileFull: 0,
    write(bytes) {
      if (sink.ended || sink.destroyed) throw new Error("The sink was written to after its end.");
      if (sink.capacity <= 0) sink.writesWhileFull += 1;
      sink.capacity -= 1;
      sink.chunks.push(bytes);
      sink.events.push(...readFrames(new TextDecoder().decode(bytes)));
      return sink.capacity > 0;
    },
    end() {
      if (sink.ended || sink.destroyed) throw new Error("The sink was ended twice.");
      sink.ended = true;
      if (sink.closesWhenEnded) queueMicrotask(() => sink.subscription?.closed());
    },
    destroy() {
      if (sink.destroyed) throw new Error("The sink was destroyed twice.");
      sink.destroyed = true;
    },
    drain(newCapacity = Number.POSITIVE_INFINITY) {
      sink.capacity = newCapacity;
      sink.subscription?.drained();
    },
    deltas: (job) =>
      sink.events.flatMap(({ event, data }) =>
        ["snapshot", "progress", "log", "end"].includes(event) && data.job === job
          ? [deltaOf(data)]
          : [],
      ),
    names: () =>
      sink.events.map(({ event, data }) =>
        [event, data.job ?? data.subject].filter((part) => part !== undefined).join(" "),
      ),
    state(job) {
      const replica = emptyReplica();
      for (const delta of sink.deltas(job)) applyDelta(replica, delta);
      return replica.version === 0 ? undefined : deltaAfter(replica);
    },
  };
  return sink;
}

/** Requests a stream and subscribes a sink to it. @throws if the request is refused. */
export async function openStream(
  progress: Progress,
  jobId: string,
  { cursor, sink = fakeSink() }: { cursor?: string | undefined; sink?: FakeSink } = {},
): Promise<FakeSink> {
  const headers = { accept: "text/event-stream", ...(cursor && { "last-event-id": cursor }) };
  const answer = await progress.handle(requestFacts(`/${jobId}`, headers));
  return subscribe(answer, sink);
}

/** Requests a stream of many jobs and subscribes a sink to it. @throws if the request is refused. */
export async function openMany(
  progress: Progress,
  query: string,
  { sink = fakeSink(), ...more }: { sink?: FakeSink } & Partial<RequestFacts> = {},
): Promise<FakeSink> {
  const facts = requestFacts(`/?${query}`, { accept: "text/event-stream" }, more);
  return subscribe(await progress.handle(facts), sink);
}

/** Subscribes a sink to the stream of an answer. @throws if the answer is no stream. */
export function subscribe(answer: Answer, sink: FakeSink = fakeSink()): FakeSink {
  if (answer.kind !== "stream")
    throw new Error(`The answer is not a stream, but ${answer.status} ${answer.body}`);
  sink.subscription = answer.subscribe(sink);
  return sink;
}

/** A delta as it was sent. It is not checked, because the tests set fields to arbitrary values. */
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
