import type { ProgressStore } from "@emlinh/progress-server";
import { beforeAll, describe, expect, test } from "vitest";
import { REDIS_MISSING, type RedisServer, startRedis } from "../../../conformance/servers/redis.js";
import {
  addJob,
  closedGate,
  openProcess,
  type ProcessFixture,
  startWorker,
  until,
} from "./support/bridge-fixture.js";

describe.skipIf(REDIS_MISSING)("positions in the queue", () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedis({ args: ["--maxmemory-policy", "noeviction"] });
    return () => server.stop();
  });

  async function addWaiting(process: ProcessFixture, count: number): Promise<readonly string[]> {
    await process.redis.flushall();
    const ids: string[] = [];
    for (let made = 0; made < count; made += 1) ids.push(await addJob(process));
    return ids;
  }

  async function positionsOf(
    { progress }: ProcessFixture,
    ids: readonly string[],
  ): Promise<readonly unknown[]> {
    const states = await Promise.all(ids.map((id) => progress.status(id)));
    return states.map((state) => [state?.metadata.queuePosition, state?.message]);
  }

  test("given three waiting jobs, sets each position, and moves them up when one leaves", async () => {
    const [process, other] = [openProcess(server.url), openProcess(server.url)];
    const ids = await addWaiting(process, 3);
    expect(await process.positions.update()).toEqual(ids);
    expect(await positionsOf(process, ids)).toEqual([
      [1, "Number 1"],
      [2, "Number 2"],
      [3, "Number 3"],
    ]);
    await (await other.queue.getJob(String(ids[0])))?.remove();
    expect(await other.positions.update()).toEqual(ids.slice(1));
    expect(await positionsOf(process, ids.slice(1))).toEqual([
      [1, "Number 1"],
      [2, "Number 2"],
    ]);
  });

  test("given a queue that has not changed, writes nothing", async () => {
    const process = openProcess(server.url);
    const [id = ""] = await addWaiting(process, 1);
    await process.positions.update();
    const before = await process.progress.status(id);
    await process.positions.update();
    expect((await process.progress.status(id))?.cursor).toBe(before?.cursor);
  });

  test("given a queue that changes during an update, ends with its last state", async () => {
    const other = openProcess(server.url);
    let changes = 0;
    const process = openProcess(
      server.url,
      beforeFirstPosition(async () => {
        changes += 1;
        if (changes > 1) return;
        await (await other.queue.getJob(String(ids[0])))?.remove();
        await other.positions.update();
      }),
    );
    const ids = await addWaiting(process, 3);
    await process.positions.update();
    expect(await positionsOf(process, ids.slice(1))).toEqual([
      [1, "Number 1"],
      [2, "Number 2"],
    ]);
  });

  test("given a job that begins while its position is written, clears the position", async () => {
    const other = openProcess(server.url);
    const gate = closedGate();
    const process = openProcess(
      server.url,
      beforeFirstPosition(async () => {
        startWorker(other, {
          work: async () => {
            await gate.opened;
            return { count: 1 };
          },
        });
        await until(other, id, ({ status }) => status === "running");
      }),
    );
    const [id = ""] = await addWaiting(process, 1);
    expect(await process.positions.update()).toEqual([]);
    expect(await positionsOf(process, [id])).toEqual([[0, null]]);
    gate.open();
    await until(other, id, ({ status }) => status === "completed");
  });

  test("given many calls at once, reads the queue at least once after the last call", async () => {
    const process = openProcess(server.url);
    const ids = await addWaiting(process, 2);
    const first = process.positions.update();
    const added = await addJob(process);
    const answers = await Promise.all([
      first,
      process.positions.update(),
      process.positions.update(),
    ]);
    expect(answers.at(-1)).toEqual([...ids, added]);
  });
});

/** Wraps a store so that it runs an action before the first write of a position above 0. */
function beforeFirstPosition(action: () => Promise<void>): (store: ProgressStore) => ProgressStore {
  let isDone = false;
  return (store) => ({
    ...store,
    async write(jobId, change) {
      if (!isDone && Number(change.set["metadata.queuePosition"]) > 0) {
        isDone = true;
        await action();
      }
      return store.write(jobId, change);
    },
  });
}
