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
import { faultyStore } from "./faulty-store.js";
import {
  type FakeSink,
  fakeSink,
  makeWorld,
  openStream,
  pass,
  useFakeTime,
  type World,
} from "./kit.js";

useFakeTime();

type Command =
  | { readonly do: "write"; readonly fields: Record<string, number>; readonly lines: number }
  | { readonly do: "cut" | "connect"; readonly who: number; readonly room: number }
  | { readonly do: "drain"; readonly who: number; readonly room: number }
  | { readonly do: "wakes"; readonly wakes: "as they come" | "lost" | "twice" | "late" }
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
      wakes: fc.constantFrom(
        "as they come" as const,
        "lost" as const,
        "twice" as const,
        "late" as const,
      ),
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
  readonly told: Delta[];
  ends: number;
}

function take(client: Client): void {
  const deltas = client.sink?.deltas() ?? [];
  for (const delta of deltas.slice(client.taken)) {
    client.told.push(delta);
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
  { progress }: World,
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

async function obey(
  world: World,
  id: string,
  clients: readonly Client[],
  step: Command,
): Promise<void> {
  const client = "who" in step ? clients[step.who] : undefined;
  if (step.do === "write") {
    const lines = Array.from({ length: step.lines }, (_, index) => `line ${index}`);
    await world.set(id, step.fields, lines);
  } else if (step.do === "wakes") world.store.wakes = step.wakes;
  else if (step.do === "pass") await pass(step.ms);
  else if (step.do === "outage") {
    world.store.fail("read");
    await pass(step.ms);
    world.store.heal();
  } else if (client !== undefined) {
    if (step.do === "cut") cut(client);
    else if (step.do === "connect") await connect(world, id, client, step.room);
    else client.sink?.drain(step.room);
  }
}

/** Lets every reader have all that there is. */
async function settle(world: World, id: string, clients: readonly Client[]): Promise<void> {
  await pass(6_000);
  for (const client of clients) {
    if (client.sink === undefined || client.sink.destroyed)
      await connect(world, id, client, Number.POSITIVE_INFINITY);
    client.sink?.drain();
  }
  await pass(6_000);
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
      const world = makeWorld({ rereadMs: 2_000, stallMs: 20_000 }, store);
      const id = await world.job();
      const clients = Array.from(
        { length: READERS },
        (): Client => ({ sink: undefined, taken: 0, replica: emptyReplica(), told: [], ends: 0 }),
      );
      for (const step of commands) await obey(world, id, clients, step);
      store.wakes = "as they come";
      await settle(world, id, clients);
      await world.set(id, { status: "completed", result: 1 }, ["last"]);
      await settle(world, id, clients);
      const kept = await store.read(id);
      for (const client of clients) {
        const { sink } = client;
        cut(client);
        expect(deltaAfter(client.replica)).toEqual(kept);
        expect(client.ends).toBe(1);
        expect(sink?.events.at(-1)?.event).toBe("end");
        expect(sink?.writtenWhileFull).toBe(0);
        expectEachLineOnce(client.told);
      }
      expect(world.progress.stats()).toMatchObject({ streams: 0, watchedJobs: 0 });
      await world.progress.close();
    }),
    { numRuns: 150 },
  );
}, 60_000);
