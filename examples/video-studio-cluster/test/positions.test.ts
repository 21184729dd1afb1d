import type { ProgressStore } from "@emlinh/progress-server";
import { beforeAll, describe, expect, test } from "vitest";
import { REDIS_MISSING, type RedisServer, startRedis } from "../../../conformance/servers/redis.js";
import {
  addJob,
  openPlace,
  type Place,
  shutGate,
  startWorker,
  until,
} from "./support/bridge-kit.js";

describe.skipIf(REDIS_MISSING)("places in the queue", () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedis({ args: ["--maxmemory-policy", "noeviction"] });
    return () => server.stop();
  });

  async function waiting(place: Place, count: number): Promise<readonly string[]> {
    await place.redis.flushall();
    const ids: string[] = [];
    for (let made = 0; made < count; made += 1) ids.push(await addJob(place));
    return ids;
  }

  async function told({ progress }: Place, ids: readonly string[]): Promise<readonly unknown[]> {
    const states = await Promise.all(ids.map((id) => progress.status(id)));
    return states.map((state) => [state?.metadata.queuePosition, state?.message]);
  }

  test("given three that wait, tells each its own, and moves up when one leaves, from another process", async () => {
    const [place, other] = [openPlace(server.url), openPlace(server.url)];
    const ids = await waiting(place, 3);
    expect(await place.positions.tell()).toEqual(ids);
    expect(await told(place, ids)).toEqual([
      [1, "Number 1"],
      [2, "Number 2"],
      [3, "Number 3"],
    ]);
    await (await other.queue.getJob(String(ids[0])))?.remove();
    expect(await other.positions.tell()).toEqual(ids.slice(1));
    expect(await told(place, ids.slice(1))).toEqual([
      [1, "Number 1"],
      [2, "Number 2"],
    ]);
  });

  test("given nothing that moved, writes nothing", async () => {
    const place = openPlace(server.url);
    const [id = ""] = await waiting(place, 1);
    await place.positions.tell();
    const before = await place.progress.status(id);
    await place.positions.tell();
    expect((await place.progress.status(id))?.cursor).toBe(before?.cursor);
  });

  test("given a queue that moves while it is told, ends with what is so then", async () => {
    const other = openPlace(server.url);
    let moves = 0;
    const place = openPlace(
      server.url,
      onPosition(async () => {
        moves += 1;
        if (moves > 1) return;
        await (await other.queue.getJob(String(ids[0])))?.remove();
        await other.positions.tell();
      }),
    );
    const ids = await waiting(place, 3);
    await place.positions.tell();
    expect(await told(place, ids.slice(1))).toEqual([
      [1, "Number 1"],
      [2, "Number 2"],
    ]);
  });

  test("given a job that is begun while it is told its place, takes that back", async () => {
    const other = openPlace(server.url);
    const gate = shutGate();
    const place = openPlace(
      server.url,
      onPosition(async () => {
        startWorker(other, {
          work: async () => {
            await gate.opened;
            return { count: 1 };
          },
        });
        await until(other, id, ({ status }) => status === "running");
      }),
    );
    const [id = ""] = await waiting(place, 1);
    expect(await place.positions.tell()).toEqual([]);
    expect(await told(place, [id])).toEqual([[0, null]]);
    gate.open();
    await until(other, id, ({ status }) => status === "completed");
  });

  test("given many calls at once, looks at least once after the last of them", async () => {
    const place = openPlace(server.url);
    const ids = await waiting(place, 2);
    const first = place.positions.tell();
    const added = await addJob(place);
    const answers = await Promise.all([first, place.positions.tell(), place.positions.tell()]);
    expect(answers.at(-1)).toEqual([...ids, added]);
  });
});

/** A store that does something first, the first time that a place above 0 is told. */
function onPosition(deed: () => Promise<void>): (store: ProgressStore) => ProgressStore {
  let isDone = false;
  return (store) => ({
    ...store,
    async write(jobId, change) {
      if (!isDone && Number(change.set["metadata.queuePosition"]) > 0) {
        isDone = true;
        await deed();
      }
      return store.write(jobId, change);
    },
  });
}
