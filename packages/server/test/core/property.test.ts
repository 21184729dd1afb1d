import {
  applyDelta,
  type Delta,
  deltaAfter,
  emptyReplica,
  type Replica,
  replicaCursor,
} from "@emlinh/progress-protocol";
import fc from "fast-check";
import { expect, test } from "vitest";
import { advance, makeContext, type TestContext, useFakeTime } from "./context.js";
import { faultyStore } from "./faulty-store.js";
import { type FakeSink, fakeSink, openStream } from "./streams.js";

useFakeTime();

type Command =
  | { readonly do: "write"; readonly fields: Record<string, number>; readonly lines: number }
  | { readonly do: "cut" | "connect"; readonly who: number; readonly room: number }
  | { readonly do: "drain"; readonly who: number; readonly room: number }
  | { readonly do: "wakes"; readonly wakes: "normal" | "lost" | "twice" | "late" }
  | { readonly do: "outage"; readonly ms: number }
  | { readonly do: "pass"; readonly ms: number };

const READERS = 4;
const who = fc.nat(READERS - 1);
const room = fc.oneof(fc.constantFrom(1, 2, 3), fc.constant(Number.POSITIVE_INFINITY));
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
    arbitrary: fc.record({ do: fc.constantFrom("cut" as const, "connect" as const), who, room }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("drain" as const), who, room }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("wakes" as const),
      wakes: fc.constantFrom("normal" as const, "lost" as const, "twice" as const, "late" as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("outage" as const), ms: fc.nat(8_000) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("pass" as const), ms: fc.nat(700) }) },
);

/** One reader over all of its streams: it comes back with the cursor of the last delta that it took. */
interface Client {
  sink: FakeSink | undefined;
  taken: number;
  readonly replica: Replica;
  readonly received: Delta[];
  ends: number;
}

function take(client: Client): void {
  const deltas = client.sink?.deltas() ?? [];
  for (const delta of deltas.slice(client.taken)) {
    client.received.push(delta);
    applyDelta(client.replica, delta);
  }
  client.taken = deltas.length;
}

function cut(client: Client): void {
  take(client);
  client.ends += client.sink?.events.filter(({ event }) => event === "end").length ?? 0;
  client.sink?.subscription?.closed();
  client.sink = undefined;
}

async function connect(
  { progress }: TestContext,
  id: string,
  client: Client,
  room: number,
): Promise<void> {
  cut(client);
  client.taken = 0;
  const sink = fakeSink(room);
  const cursor = client.replica.version === 0 ? undefined : replicaCursor(client.replica);
  // Refused while the store is away, or finished: then it has no stream.
  client.sink = await openStream(progress, id, { cursor, sink }).catch(() => undefined);
}

async function perform(
  context: TestContext,
  id: string,
  clients: readonly Client[],
  step: Command,
): Promise<void> {
  const client = "who" in step ? clients[step.who] : undefined;
  if (step.do === "write") {
    const lines = Array.from({ length: step.lines }, (_, index) => `line ${index}`);
    await context.setFields(id, step.fields, lines);
  } else if (step.do === "wakes") context.store.wakes = step.wakes;
  else if (step.do === "pass") await advance(step.ms);
  else if (step.do === "outage") {
    context.store.fail("read");
    await advance(step.ms);
    context.store.recover();
  } else if (client !== undefined) {
    if (step.do === "cut") cut(client);
    else if (step.do === "connect") await connect(context, id, client, step.room);
    else client.sink?.drain(step.room);
  }
}

/** Lets every reader have all that there is. */
async function settle(context: TestContext, id: string, clients: readonly Client[]): Promise<void> {
  await advance(6_000);
  for (const client of clients) {
    if (client.sink === undefined || client.sink.destroyed)
      await connect(context, id, client, Number.POSITIVE_INFINITY);
    client.sink?.drain();
  }
  await advance(6_000);
}

/** A line is told again only with a whole state, which replaces what the reader held. */
function expectEachLineOnce(told: readonly Delta[]): void {
  let seen = 0;
  for (const { reset, log } of told) {
    if (reset) seen = 0;
    for (const { n } of log) {
      expect(n).toBe(seen + 1);
      seen = n;
    }
  }
}

test("given any readers, writes, cuts, full sinks, lost hints and outages, each reader ends with the state of the store, each line once, and one end", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(command, { maxLength: 60 }), async (commands) => {
      const store = faultyStore();
      const context = makeContext({ rereadMs: 2_000, stallMs: 20_000 }, store);
      const id = await context.createJob();
      const clients = Array.from(
        { length: READERS },
        (): Client => ({
          sink: undefined,
          taken: 0,
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
      const kept = await store.read(id);
      for (const client of clients) {
        const { sink } = client;
        cut(client);
        expect(deltaAfter(client.replica)).toEqual(kept);
        expect(client.ends).toBe(1);
        expect(sink?.events.at(-1)?.event).toBe("end");
        expect(sink?.writesWhileFull).toBe(0);
        expectEachLineOnce(client.received);
      }
      expect(context.progress.stats()).toMatchObject({ streams: 0, watchedJobs: 0 });
      await context.progress.close();
    }),
    { numRuns: 150 },
  );
}, 60_000);
