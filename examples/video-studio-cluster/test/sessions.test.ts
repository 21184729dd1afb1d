import { PROGRESS_PATH } from "@emlinh/video-studio/src/shared/addresses.js";
import { batchOf, batchSubject, sessionSubject } from "@emlinh/video-studio/src/shared/session.js";
import { createVideo, listOf, newSession } from "@emlinh/video-studio/test/server/support.js";
import { beforeAll, describe, expect, test } from "vitest";
import { NGINX_MISSING } from "../../../conformance/servers/nginx.js";
import {
  POSTGRES_MISSING,
  type PostgresServer,
  startPostgres,
} from "../../../conformance/servers/postgres.js";
import { REDIS_MISSING } from "../../../conformance/servers/redis.js";
import { startCluster, type TestCluster } from "./support/cluster-fixture.js";

const STORES = [
  { store: "redis", missing: NGINX_MISSING ?? REDIS_MISSING },
  { store: "postgres", missing: NGINX_MISSING ?? REDIS_MISSING ?? POSTGRES_MISSING },
] as const;

/** The test gets no event when a worker of another process ends a job, so it polls. */
const POLLING = { timeout: 20_000, interval: 50 } as const;

function statusOf({ url }: TestCluster, jobId: string): Promise<string> {
  return fetch(new URL(`${PROGRESS_PATH}/${jobId}/status`, url))
    .then((response) => response.json())
    .then((job) => (job as { readonly status: string }).status);
}

describe.each(STORES)("the sessions of many processes, with $store", ({ store, missing }) => {
  let database: PostgresServer | undefined;
  beforeAll(async () => {
    if (store !== "postgres" || missing !== undefined) return;
    database = await startPostgres();
    return () => database?.stop();
  });

  test.skipIf(missing)(
    "given two sessions, any web process lists and deletes the videos of their own one only",
    { timeout: 60_000 },
    async () => {
      const cluster = await startCluster({
        STORE: store,
        DATABASE_URL: await database?.newDatabase(),
      });
      const [own, foreign] = [await newSession(cluster), await newSession(cluster)];
      const [first = "", second = ""] = await Promise.all(
        ["Green tea", "Black tea"].map(async (topic) => {
          return (await createVideo(cluster, { topic, batch: "b" }, own.cookie)).jobId;
        }),
      );
      const address = (jobId: string, action = "") =>
        new URL(`${PROGRESS_PATH}/${jobId}${action}`, cluster.url);
      const remove = async (jobId: string, { cookie }: typeof own) =>
        (await fetch(address(jobId), { method: "DELETE", headers: cookie })).status;
      for (const jobId of [first, second]) {
        await fetch(address(jobId, "/cancel"), { method: "POST" });
        await expect.poll(() => statusOf(cluster, jobId), POLLING).toBe("cancelled");
      }

      for (const subject of [sessionSubject(own.id), batchSubject(batchOf(own.id, "b"))]) {
        const { jobs = [] } = await listOf(cluster, subject, own);
        expect([...jobs].sort()).toEqual([first, second].sort());
        expect(await listOf(cluster, subject, foreign)).toMatchObject({ refusedWith: 403 });
      }
      expect(await remove(first, foreign)).toBe(403);
      expect(await remove(first, own)).toBe(204);
      expect(await listOf(cluster, sessionSubject(own.id), own)).toEqual({ jobs: [second] });
    },
  );
});
