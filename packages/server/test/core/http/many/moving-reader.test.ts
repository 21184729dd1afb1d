import { describe, expect, test } from "vitest";
import { memoryStore, type ProgressStore } from "../../../../src/index.js";
import { advance, makeContext, type TestContext, useFakeTime } from "../../context.js";
import { faultyStore } from "../../faulty-store.js";
import { fakeSink, openMany } from "../../streams.js";
import { listReader } from "./list-reader.js";

useFakeTime();

const SUBJECT = "user:1";
const REREAD_MS = 5_000;

const overStore = (store: ProgressStore): TestContext =>
  makeContext({ authorize: () => true, rereadMs: REREAD_MS }, faultyStore(store));

/** Two processes over one store. The second one follows the list for a reader of its own, and loses each wake. */
async function makeProcesses(jobs: readonly string[]) {
  const store = memoryStore();
  const [ahead, behind] = [overStore(store), overStore(store)];
  for (const jobId of jobs) {
    await ahead.createJob(jobId, [SUBJECT]);
    await advance(1);
  }
  await openMany(behind.progress, `subject=${SUBJECT}`, { sink: fakeSink() });
  behind.store.wakes = "lost";
  const reader = listReader(SUBJECT);
  await reader.moveTo(ahead.progress);
  return { ahead, behind, reader };
}

describe("a reader that moves to a process which is behind", () => {
  test("given a job that joined, goes on with the list that it has", async () => {
    const { ahead, behind, reader } = await makeProcesses(["a"]);
    await ahead.createJob("b", [SUBJECT]);
    await advance(0);
    const sink = await reader.moveTo(behind.progress);
    expect(sink.names()).toEqual(["hello", "ready"]);
    expect(reader.memberships).toEqual(["a", "b a"]);
    await ahead.setFields("b", { message: "m" });
    await advance(REREAD_MS + 1_000);
    expect(sink.names().slice(2)).toContain("progress b");
  });

  test("given a job that was removed, is not told of it again", async () => {
    const { ahead, behind, reader } = await makeProcesses(["a", "b"]);
    await ahead.store.remove("b");
    await advance(0);
    const sink = await reader.moveTo(behind.progress);
    expect(sink.names()).toEqual(["hello", "ready"]);
    expect(reader.memberships).toEqual(["b a", "a"]);
  });

  test("given a job that changed, goes on after its version", async () => {
    const { ahead, behind, reader } = await makeProcesses(["a"]);
    await ahead.setFields("a", { message: "m" });
    await advance(0);
    expect(reader.versions()).toEqual({ a: 2 });
    const sink = await reader.moveTo(behind.progress);
    expect(sink.names()).toEqual(["hello", "ready"]);
    expect(reader.wentBack).toEqual([]);
  });

  test("given a change that neither has seen, gets it from the read", async () => {
    const { ahead, behind, reader } = await makeProcesses(["a"]);
    await ahead.createJob("b", [SUBJECT]);
    await advance(0);
    reader.leave();
    await ahead.store.remove("a");
    const sink = await reader.moveTo(behind.progress);
    expect(sink.names()).toEqual(["hello", "listed user:1", "ready"]);
    expect(reader.memberships).toEqual(["a", "b a", "b"]);
  });

  test.each([
    ["list", "a job that joined"],
    ["read", "a job that changed"],
  ] as const)(
    "given a %s that fails there, and %s, is refused until it can be read",
    async (method, _change) => {
      const { ahead, behind, reader } = await makeProcesses(["a"]);
      if (method === "list") await ahead.createJob("b", [SUBJECT]);
      else await ahead.setFields("a", { message: "m" });
      await advance(0);
      const before = [reader.versions(), [...reader.memberships]];
      behind.store.fail(method);
      await expect(reader.moveTo(behind.progress)).rejects.toThrow("store-unavailable");
      // The second request finds an outage that has begun.
      await expect(reader.moveTo(behind.progress)).rejects.toThrow("store-unavailable");
      expect(behind.progress.metrics().slots).toBe(1);
      behind.store.recover();
      await advance(REREAD_MS);
      await reader.moveTo(behind.progress);
      expect([reader.versions(), reader.memberships]).toEqual(before);
      expect(reader.wentBack).toEqual([]);
    },
  );
});
