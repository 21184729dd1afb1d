import {
  applyDelta,
  type Delta,
  deltaAfter,
  emptyReplica,
  type Replica,
} from "@emlinh/progress-protocol";
import fc from "fast-check";
import { expect, test } from "vitest";
import { advance, makeContext, type TestContext, useFakeTime } from "./context.js";
import { faultyStore } from "./faulty-store.js";
import { type FakeSink, fakeSink, openStream } from "./streams.js";

useFakeTime();

type Command =
  | { readonly do: "write"; readonly fields: Record<string, number>; readonly lines: number }
  | {
      readonly do: "disconnect" | "connect" | "drain";
      readonly reader: number;
      readonly capacity: number;
    }
  | { readonly do: "wakes"; readonly wakes: "normal" | "lost" | "doubled" | "late" }
  | { readonly do: "outage"; readonly ms: number }
  | { readonly do: "advance"; readonly ms: number };

const READERS = 4;
const reader = fc.nat(READERS - 1);
const capacity = fc.oneof(fc.constantFrom(1, 2, 3), fc.constant(Number.POSITIVE_INFINITY));
const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("write" as const),
      fields: fc.dictionary(
        fc.constantFrom("message", "steps.a", "steps.b", "metadata.k"),
        fc.nat(99),
        {
          maxKeys: 3,
        },
      ),
      lines: fc.nat(2),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom("disconnect" as const, "connect" as const),
      reader,
      capacity,
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("drain" as const), reader, capacity }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("wakes" as const),
      wakes: fc.constantFrom(
        "normal" as const,
        "lost" as const,
        "doubled" as const,
        "late" as const,
      ),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("outage" as const), ms: fc.nat(8_000) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("advance" as const), ms: fc.nat(700) }) },
);

/** One reader with all of its streams. It reconnects with the cursor of the last delta that it received. */
interface Client {
  sink: FakeSink | undefined;
  /** Number of deltas of the current sink that were applied to the replica. */
  applied: number;
  readonly replica: Replica;
  readonly received: Delta[];
  ends: number;
}

function applyReceived(client: Client): void {
  const deltas = client.sink?.deltas() ?? [];
  for (const delta of deltas.slice(client.applied)) {
    client.received.push(delta);
    applyDelta(client.replica, delta);
  }
  client.applied = deltas.length;
}

function disconnect(client: Client): void {
  applyReceived(client);
  client.ends += client.sink?.events.filter(({ event }) => event === "end").length ?? 0;
  client.sink?.subscription?.closed();
  client.sink = undefined;
}

async function connect(
  { progress }: TestContext,
  id: string,
  client: Client,
  capacity: number,
): Promise<void> {
  disconnect(client);
  client.applied = 0;
  const sink = fakeSink(capacity);
  const cursor = client.replica.version === 0 ? undefined : client.replica.cursor;
  // There is no stream if the store fails, or if the client has the end already.
  client.sink = await openStream(progress, id, { cursor, sink }).catch(() => undefined);
}

async function perform(
  context: TestContext,
  id: string,
  clients: readonly Client[],
  step: Command,
): Promise<void> {
  const client = "reader" in step ? clients[step.reader] : undefined;
  if (step.do === "write") {
    const lines = Array.from({ length: step.lines }, (_, index) => `line ${index}`);
    await context.setFields(id, step.fields, lines);
  } else if (step.do === "wakes") context.store.wakes = step.wakes;
  else if (step.do === "advance") await advance(step.ms);
  else if (step.do === "outage") {
    context.store.fail("read");
    await advance(step.ms);
    context.store.recover();
  } else if (client !== undefined) {
    if (step.do === "disconnect") disconnect(client);
    else if (step.do === "connect") await connect(context, id, client, step.capacity);
    else client.sink?.drain(step.capacity);
  }
}

/** Waits until every reader has received everything. */
async function settle(context: TestContext, id: string, clients: readonly Client[]): Promise<void> {
  await advance(6_000);
  for (const client of clients) {
    if (client.sink === undefined || client.sink.destroyed)
      await connect(context, id, client, Number.POSITIVE_INFINITY);
    client.sink?.drain();
  }
  await advance(6_000);
}

/** Each line comes once and in order. Only a reset repeats lines, because it replaces the reader's log. */
function expectEachLineOnce(received: readonly Delta[]): void {
  let seen = 0;
  for (const { reset, log } of received) {
    if (reset) seen = 0;
    for (const { n } of log) {
      expect(n).toBe(seen + 1);
      seen = n;
    }
  }
}

// The commands are writes, disconnects, full sinks, wakes that are lost, late or doubled, and outages of the store.
test("given any commands, each reader has the state of the store, each line once, and one end", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(command, { maxLength: 60 }), async (commands) => {
      const store = faultyStore();
      const context = makeContext({ rereadMs: 2_000, stallMs: 20_000 }, store);
      const id = await context.createJob();
      const clients = Array.from(
        { length: READERS },
        (): Client => ({
          sink: undefined,
          applied: 0,
          replica: emptyReplica(),
          received: [],
          ends: 0,
        }),
      );
      for (const step of commands) await perform(context, id, clients, step);
      store.wakes = "normal";
      await settle(context, id, clients);
      await context.setFields(id, { status: "completed", result: 1 }, ["last"]);
      await settle(context, id, clients);
      const { now: _now, ...kept } = (await store.read(id)) ?? { now: undefined };
      for (const client of clients) {
        const { sink } = client;
        disconnect(client);
        expect(deltaAfter(client.replica)).toEqual(kept);
        expect(client.ends).toBe(1);
        expect(sink?.events.at(-1)?.event).toBe("end");
        expect(sink?.writesWhileFull).toBe(0);
        expectEachLineOnce(client.received);
      }
      expect(context.progress.metrics()).toMatchObject({ slots: 0, watchedJobs: 0 });
      await context.progress.close();
    }),
    { numRuns: 150 },
  );
}, 60_000);
