import type { WriteState } from "@emlinh/progress-server";
import { createClient, RESP_TYPES } from "redis";
import { afterAll, beforeAll, describe, onTestFinished, test } from "vitest";
import { REDIS_MISSING, type RedisServer, startRedis } from "../servers/redis.js";
import { checkHoldRule, EPOCH, type KeptHold, VERSION } from "./hold-rule.js";
import { draft, storeOn } from "./redis-kit.js";
import { packRecord, unpackRecord } from "./redis-record.js";

const NEVER_MS = 4e15;

describe.skipIf(REDIS_MISSING !== undefined)("redisStore's holds", () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server?.stop());

  test("given any hold and any write, Lua accepts, repeats or refuses it as the rule checkWrite does", async () => {
    const client = await createClient({ url: server.url }).connect();
    onTestFinished(() => client.destroy());
    const { store, prefix } = storeOn({ client, subscriber: async () => client, close() {} });
    await store.create(draft("job"));
    const [key = ""] = await client.keys(`${prefix}:*:job:job`);
    const bytes = client.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer });

    /** A lease that is not valid has run out. */
    async function put({ ended, attempt, hold, isLeased }: WriteState): Promise<void> {
      const record = packRecord({
        version: VERSION,
        attempt,
        leaseUntil: Date.now() + (isLeased ? 60_000 : -1_000),
        leaseMs: 60_000,
        deadlineAt: NEVER_MS,
        endedAt: ended === undefined ? 0 : 1,
        indexedAt: NEVER_MS,
        expiresAt: NEVER_MS,
        heldSince: hold?.since ?? 0,
        heldCount: hold?.count ?? 0,
        heldBy: hold?.token ?? "",
        epoch: EPOCH,
      });
      const status = `1 ${JSON.stringify(ended ?? "running")}`;
      await client.hSet(
        key,
        new Map<string, string | Buffer>([
          [".", record],
          ["status", status],
        ]),
      );
    }

    async function kept(): Promise<KeptHold> {
      const record = unpackRecord((await bytes.hGet(key, ".")) as unknown as Buffer);
      const { version, heldSince: since, heldCount: count, heldBy: token } = record;
      return { version, hold: since === 0 ? undefined : { token, count, since } };
    }

    await checkHoldRule({ store, put, kept });
  });
});
