import {
  deltaFrame,
  heartbeatFrame,
  helloFrame,
  type Json,
  toWire,
} from "@emlinh/progress-protocol";
import type { FakeTime } from "./fake-time.js";
import { jobReplicas } from "./job-replicas.js";

const HEARTBEAT_MS = 15_000;

/** One request that the server received. */
interface SimulatedRequest {
  readonly at: number;
  readonly accept: "stream" | "poll";
}

/** A server without sockets, behind a proxy. All of it lives in the fake time, so that minutes take milliseconds. */
export interface SimulatedServer {
  readonly fetch: typeof fetch;
  readonly requests: SimulatedRequest[];
  /** Ends each open stream as a broken connection does. */
  cut(): void;
  /** Moves the time, and lets everything happen that is due. `each` is called after each second. */
  pass(ms: number, each?: () => void): Promise<void>;
}

/** The behaviour of the server and of the proxy. */
export interface SimulatedBehaviour {
  /** The interval of the job's changes. Each writes the time into the job's `message`. */
  readonly changeEveryMs: number;
  /** The bytes of each stream that the proxy passes on; it holds the rest. Read again for each frame. */
  passedBytes(): number;
}

interface OpenStream {
  cursor: string | undefined;
  passedBytes: number;
  lastFrameAt: number;
  readonly body: ReadableStreamDefaultController<Uint8Array>;
}

/** Starts a server with the running job "a". */
export function simulatedServer(
  time: FakeTime,
  { changeEveryMs, passedBytes }: SimulatedBehaviour,
): SimulatedServer {
  const jobs = jobReplicas();
  const streams = new Set<OpenStream>();
  const held = new Set<() => void>();
  const requests: SimulatedRequest[] = [];
  const encoder = new TextEncoder();

  function send(stream: OpenStream, frame: string): void {
    stream.lastFrameAt = time.clock();
    const bytes = encoder.encode(frame);
    const room = Math.max(0, passedBytes() - stream.passedBytes);
    stream.passedBytes += bytes.length;
    if (room > 0) stream.body.enqueue(bytes.slice(0, room));
  }

  function advance(stream: OpenStream): void {
    const delta = jobs.read("a", stream.cursor);
    if (delta.cursor === stream.cursor) return;
    stream.cursor = delta.cursor;
    send(stream, deltaFrame(delta));
  }

  function change(): void {
    jobs.write("a", { message: `${time.clock()}` as Json });
    for (const stream of streams) advance(stream);
    for (const answer of [...held]) answer();
    time.schedule(change, changeEveryMs);
  }

  function beat(): void {
    for (const stream of streams)
      if (time.clock() - stream.lastFrameAt >= HEARTBEAT_MS)
        send(stream, heartbeatFrame({ cursor: stream.cursor ?? "", now: time.clock() }));
    time.schedule(beat, 1000);
  }

  function openStream(after: string | undefined, signal: AbortSignal | undefined): Response {
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        const stream = { cursor: after, passedBytes: 0, lastFrameAt: 0, body: controller };
        streams.add(stream);
        signal?.addEventListener("abort", () => streams.delete(stream));
        const { cursor } = jobs.read("a", after);
        const hello = { protocol: 1, heartbeatMs: HEARTBEAT_MS, cursor, now: time.clock() };
        send(stream, helloFrame(hello, 1));
        advance(stream);
      },
    });
    return new Response(body, { headers: { "content-type": "text/event-stream" } });
  }

  function answerPoll(after: string | undefined, waitMs: number): Promise<Response> {
    const isNew = jobs.read("a", after).cursor !== after;
    return new Promise((resolve) => {
      const answer = (): void => {
        held.delete(answer);
        resolve(Response.json({ ...toWire(jobs.read("a", after)), now: time.clock() }));
      };
      if (isNew || waitMs === 0) {
        answer();
        return;
      }
      held.add(answer);
      time.schedule(answer, waitMs);
    });
  }

  jobs.create("a");
  change();
  beat();
  return {
    requests,
    async fetch(input, init) {
      const { searchParams } = new URL(String(input));
      const after = searchParams.get("after") ?? undefined;
      const isStream = new Headers(init?.headers).get("accept")?.includes("event-stream") === true;
      requests.push({ at: time.clock(), accept: isStream ? "stream" : "poll" });
      if (isStream) return openStream(after, init?.signal ?? undefined);
      return answerPoll(after, Number(searchParams.get("wait") ?? 0) * 1000);
    },
    cut() {
      for (const { body } of streams) body.error(new TypeError("The connection was cut."));
      streams.clear();
    },
    async pass(ms, each = () => {}) {
      for (let passed = 0; passed < ms; passed += 1000) {
        time.advance(1000);
        // Everything that the event loop owes is done after a few turns: nothing waits for a socket.
        for (let turn = 0; turn < 4; turn += 1)
          await new Promise((resolve) => setImmediate(resolve));
        each();
      }
    },
  };
}
