import { parseCursor } from "@emlinh/progress-protocol";
import fc from "fast-check";
import { expect, test } from "vitest";
import { memoryStore, type ProgressStore } from "../../../../src/index.js";
import { advance, makeContext, type TestContext, useFakeTime } from "../../context.js";
import { faultyStore } from "../../faulty-store.js";
import { openMany } from "../../streams.js";
import { type ListReader, listReader } from "./list-reader.js";

useFakeTime();

const SUBJECT = "user:1";
/** So few that jobs which were pushed out come back. */
const LIMIT = 2;
const REREAD_MS = 2_000;

type Command =
  | { readonly do: "create" }
  | { readonly do: "remove" | "write"; readonly job: number }
  | { readonly do: "move" | "recover"; readonly at: number }
  | { readonly do: "wakes"; readonly at: number; readonly wakes: "normal" | "lost" | "late" }
  | { readonly do: "fail"; readonly at: number; readonly method: "list" | "read" }
  | { readonly do: "advance"; readonly ms: number };

type ChangeCommand = Extract<Command, { do: "create" | "remove" | "write" }>;

const job = fc.nat(LIMIT - 1);
const at = fc.nat(1);
const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant("create") }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constantFrom("remove", "write"), job }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant("move"), at }) },
  fc.record({ do: fc.constant("wakes"), at, wakes: fc.constantFrom("normal", "lost", "late") }),
  fc.record({ do: fc.constant("fail"), at, method: fc.constantFrom("list", "read") }),
  fc.record({ do: fc.constant("recover"), at }),
  { weight: 3, arbitrary: fc.record({ do: fc.constant("advance"), ms: fc.nat(600) }) },
);

/** Two processes over one store, and a reader that moves between them. */
interface World {
  readonly store: ProgressStore;
  readonly processes: readonly TestContext[];
  readonly reader: ListReader;
  /** The memberships that the list has had, in order. */
  readonly history: string[];
}

/** Each process has a reader that stays, so that it knows a list which may be old. */
async function newWorld(): Promise<World> {
  const store = memoryStore();
  const newProcess = (): TestContext =>
    makeContext({ authorize: () => true, rereadMs: REREAD_MS }, faultyStore(store));
  const processes = [newProcess(), newProcess()];
  for (const { progress } of processes)
    await openMany(progress, `subject=${SUBJECT}&limit=${LIMIT}`);
  return { store, processes, reader: listReader(SUBJECT, LIMIT), history: [""] };
}

async function perform(world: World, step: Command): Promise<void> {
  if (step.do === "advance") await advance(step.ms);
  else if (!("at" in step)) await change(world, step);
  else {
    const { progress, store } = world.processes[step.at] ?? expect.fail();
    if (step.do === "wakes") store.wakes = step.wakes;
    else if (step.do === "fail") store.fail(step.method);
    else if (step.do === "recover") store.recover();
    // A process that can't read its store refuses.
    else await world.reader.moveTo(progress).catch(() => undefined);
  }
}

/** A change of the store by a further process. Each job that it creates is a new one. */
async function change({ store, history }: World, step: ChangeCommand): Promise<void> {
  const set = { kind: "test", status: "queued", attempt: 1 };
  const before = await store.list(SUBJECT, { limit: LIMIT });
  if (step.do === "create")
    await store.create({ id: `job-${history.length}`, set, subjects: [SUBJECT] });
  else {
    const id = before.jobs[step.job];
    if (id === undefined) return;
    if (step.do === "remove") await store.remove(id);
    else await store.write(id, { set: { message: "m" }, log: [] });
  }
  const { jobs } = await store.list(SUBJECT, { limit: LIMIT });
  if (jobs.join(" ") !== history.at(-1)) history.push(jobs.join(" "));
  // Each creation has a time of its own, so that the order of the list is known.
  await advance(1);
}

/** Ends all faults, and waits until the reader has everything. */
async function settle({ processes, reader, store }: World): Promise<void> {
  for (const process of processes) {
    process.store.recover();
    process.store.wakes = "normal";
  }
  const { progress } = processes[1] ?? expect.fail();
  await advance(2 * REREAD_MS);
  if (!reader.isConnected()) await reader.moveTo(progress);
  await advance(2 * REREAD_MS);
  const { jobs } = await store.list(SUBJECT, { limit: LIMIT });
  const versions = jobs.map(async (id) => [id, await versionOf(store, id)] as const);
  expect(reader.versions()).toEqual(Object.fromEntries(await Promise.all(versions)));
}

async function versionOf(store: ProgressStore, id: string): Promise<number | undefined> {
  const delta = await store.read(id);
  return parseCursor(delta?.cursor)?.version;
}

/** Whether one membership after the other can be found in the history, without a step back. */
function follows(memberships: readonly string[], history: readonly string[]): boolean {
  let from = 0;
  for (const membership of memberships) {
    from = history.indexOf(membership, from);
    if (from < 0) return false;
  }
  return true;
}

test("given any commands, a reader that moves gets nothing older, and then has the state of the store", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(command, { maxLength: 60 }), async (commands) => {
      const world = await newWorld();
      const { reader, history, processes } = world;
      for (const step of commands) await perform(world, step);
      await settle(world);
      expect(reader.wentBack).toEqual([]);
      if (!follows(reader.memberships, history))
        expect(reader.memberships, "memberships in the order of the store").toEqual(history);
      for (const { progress } of processes) await progress.close();
    }),
    { numRuns: 200 },
  );
}, 60_000);
