import { randomInt } from "node:crypto";
import { join } from "node:path";
import { sqliteStore } from "@emlinh/progress-server/stores/sqlite";
import Database from "libsql";
import { describe, expect, test } from "vitest";
import { runProgram } from "../programs.js";
import type { StarterOrders, StarterSaid } from "./programs/sqlite-starter.js";
import type { WatcherOrders, WatcherSaid } from "./programs/sqlite-watcher.js";
import type { WriterOrders, WriterSaid } from "./programs/sqlite-writer.js";
import { temporaryFolder } from "./sqlite-drivers.js";

const QUEUED = { kind: "video", status: "queued", attempt: 1 };

/** Far above the usual time, because the machine may be busy with other tests. `bench` measures it. */
const MAX_MEDIAN_MS = 1_000;

function median(numbers: readonly number[]): number {
  return [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;
}

describe("sqliteStore in several processes", () => {
  test("given a watcher in another process, each write wakes it soon", async () => {
    const file = join(temporaryFolder(), "jobs.db");
    const store = sqliteStore({ database: new Database(file) });
    await store.create({ id: "a", set: QUEUED });
    const orders: WatcherOrders = { file, jobId: "a" };
    const watcher = await runProgram<WatcherSaid>("stores/programs/sqlite-watcher.ts", orders);
    await watcher.until("the watch", ({ kind }) => kind === "watching");
    const delays: number[] = [];
    for (let percent = 1; percent <= 50; percent += 1) {
      await store.write("a", { set: { percent }, log: [] });
      const since = performance.timeOrigin + performance.now();
      const read = await watcher.until(
        `what write ${percent} set`,
        (said) => said.kind === "read" && said.percent === percent,
      );
      if (read.kind === "read") delays.push(read.at - since);
    }
    await store.close();
    expect(median(delays)).toBeLessThan(MAX_MEDIAN_MS);
  });

  test("given a writer that is killed at a random moment, thirty times, keeps every acknowledged write", async () => {
    const file = join(temporaryFolder(), "jobs.db");
    for (let round = 0; round < 30; round += 1) {
      const orders: WriterOrders = { file, jobId: `job-${round}` };
      const writer = await runProgram<WriterSaid>("stores/programs/sqlite-writer.ts", orders);
      const enough = randomInt(1, 200);
      await writer.until(`write ${enough}`, ({ n }) => n >= enough);
      await writer.kill();
      const last = writer.said.at(-1);

      const database = new Database(file);
      const store = sqliteStore({ database, maxLogLines: Number.POSITIVE_INFINITY });
      const { cursor, set, log } =
        (await store.read(`job-${round}`)) ?? expect.fail("The job is missing.");
      const n = Number(set["metadata.n"]);
      expect(n).toBeGreaterThanOrEqual(last?.n ?? Number.NaN);
      expect(String(set["metadata.ballast"]).endsWith(`x${n}`)).toBe(true);
      expect(cursor).toBe(`${last?.cursor.split(".")[0]}.${n + 1}`);
      // The writer's store keeps about 200 lines.
      expect(log.at(-1)?.text).toBe(String(n));
      expect(log.map((line) => line.text)).toEqual(log.map((line) => String(line.n)));
      expect(database.prepare("PRAGMA integrity_check").get()).toMatchObject({
        integrity_check: "ok",
      });
      await store.close();
      database.close();
    }
  });

  test("given two processes that open new files at the same time, both work and create one job per key", async () => {
    const folder = temporaryFolder();
    const files = Array.from({ length: 20 }, (_, by) => join(folder, `${by}.db`));
    const starters = await Promise.all(
      ["a", "b"].map((name) =>
        runProgram<StarterSaid>("stores/programs/sqlite-starter.ts", {
          files,
          name,
        } satisfies StarterOrders),
      ),
    );
    for (const starter of starters)
      await starter.until("the word that it waits", ({ kind }) => kind === "waiting");
    for (const starter of starters) starter.tell("go");
    const outcomes = await Promise.all(
      starters.map(async (starter) => {
        const said = await starter.until("its outcomes", ({ kind }) => kind === "done");
        return said.kind === "done" ? said.outcomes : [];
      }),
    );
    expect(files.map((_, by) => outcomes.map((each) => each[by]).sort())).toEqual(
      files.map(() => ["created", "known"]),
    );
  });
});
