import { join } from "node:path";
import { sqliteStore } from "@emlinh/progress-server/stores/sqlite";
import Database from "libsql";
import { describe, expect, onTestFinished, test } from "vitest";
import { type Program, runProgram } from "../programs.js";
import type { ListerOrders, ListerSaid } from "./programs/sqlite-lister.js";
import { temporaryFolder } from "./sqlite-drivers.js";

const SUBJECT = "user:42";

const draft = (id: string) => ({
  id,
  set: { kind: "video", status: "queued", attempt: 1 },
  subjects: [SUBJECT],
});

function openStore(file: string) {
  const database = new Database(file);
  const store = sqliteStore({ database, ttlMs: 1_000 });
  onTestFinished(async () => {
    await store.close();
    database.close();
  });
  return store;
}

async function startLister(orders: ListerOrders): Promise<Program<ListerSaid>> {
  const lister = await runProgram<ListerSaid>("stores/programs/sqlite-lister.ts", orders);
  await lister.until("the watch", ({ kind }) => kind === "watching");
  return lister;
}

/** Resolves when the lister was woken and read this list. */
async function untilListed(lister: Program<ListerSaid>, jobs: readonly string[]): Promise<void> {
  const expected = jobs.join(" ");
  const isExpected = (said: ListerSaid) => said.kind === "list" && said.jobs === expected;
  await lister.until(`the list "${expected}"`, isExpected);
}

const numbered = (prefix: string, count: number): string[] =>
  Array.from({ length: count }, (_, by) => `${prefix}-${by}${by % 4 === 0 ? "-kept" : ""}`);

describe("the list of a subject in several processes over one SQLite file", () => {
  test("given jobs that join, are removed and expire, each change wakes the watcher in another process", async () => {
    const file = join(temporaryFolder(), "jobs.db");
    const store = openStore(file);
    const lister = await startLister({ file, subject: SUBJECT, jobs: [] });
    let jobs: string[] = [];
    for (let round = 0; round < 10; round += 1) {
      const id = `job-${round}`;
      await store.create(draft(id));
      jobs = [id, ...jobs];
      await untilListed(lister, jobs);
      if (round % 3 === 0) continue;
      const [oldest = ""] = jobs.slice(-1);
      if (round % 3 === 1) await store.remove(oldest);
      else {
        const { now } = await store.write(oldest, { set: { status: "completed" }, log: [] });
        await store.sweep(now + 2_000, 10);
      }
      jobs = jobs.slice(0, -1);
      await untilListed(lister, jobs);
    }
    expect(jobs).toHaveLength(4);
  });

  test("given two processes that create and remove jobs at the same time, neither misses one", async () => {
    const file = join(temporaryFolder(), "jobs.db");
    const names = ["a", "b"] as const;
    const listers = await Promise.all(
      names.map((name) => startLister({ file, subject: SUBJECT, jobs: numbered(name, 40) })),
    );
    for (const lister of listers) lister.tell("create");
    const created = listers.map((lister) =>
      lister.until("that it has created its jobs", ({ kind }) => kind === "created"),
    );
    expect(await Promise.all(created)).toEqual(names.map(() => ({ kind: "created", missed: [] })));
    const { jobs } = await openStore(file).list(SUBJECT, { limit: 100 });
    const kept = names.flatMap((name) => numbered(name, 40).filter((id) => id.endsWith("kept")));
    expect([...jobs].sort()).toEqual(kept.sort());
    const lastLists = listers.map(({ said }) => said.filter(({ kind }) => kind === "list").at(-1));
    for (const [by, lister] of listers.entries()) {
      const last = lastLists[by];
      if (last?.kind !== "list" || last.jobs !== jobs.join(" ")) await untilListed(lister, jobs);
    }
  });
});
