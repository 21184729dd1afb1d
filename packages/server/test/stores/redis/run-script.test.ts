import { isProgressError } from "@emlinh/progress-protocol";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { NodeRedisClient, RedisClient } from "../../../src/stores/redis/client.js";
import { scriptRunner } from "../../../src/stores/redis/run-script.js";

const READONLY = "READONLY You can't write against a read only replica.";

/** Refusals that pass, in each form in which a client reports them. */
const PASSING: readonly string[] = [
  READONLY,
  `ERR Error running script (call to f_8b0c): @user_script:9: @user_script: 9: -${READONLY}`,
  "TRYAGAIN Multiple keys request during rehashing of slot",
  "Too many Cluster redirections. Last error: ReplyError: TRYAGAIN Multiple keys request during rehashing of slot",
  "CLUSTERDOWN Hash slot not served",
  "LOADING Redis is loading the dataset in memory",
  "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
  "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.",
  "NOREPLICAS Not enough good replicas to write.",
];

/** Errors after which another try does not help within seconds, or may run the script twice. */
const LASTING: readonly (readonly [message: string, remedy: string])[] = [
  ["OOM command not allowed when used memory > 'maxmemory'.", "Raise maxmemory"],
  [
    "ERR Error running script (call to f_8b0c): @user_script:9: @user_script: 9: -OOM command not allowed",
    "Raise maxmemory",
  ],
  ["MISCONF Redis is configured to save RDB snapshots", "See its log"],
  ["MOVED 3999 127.0.0.1:6381", "createCluster"],
  ["NOPERM this user has no permissions", "can be reached"],
  ["Socket closed unexpectedly", "can be reached"],
  ["Connection is closed.", "can be reached"],
];

/** With its hash, which would be computed outside of the fake clock. */
const SCRIPT = { source: "return 1", sha: "the hash" };

function failing(...messages: readonly string[]): {
  readonly client: NodeRedisClient;
  readonly run: () => Promise<unknown>;
  readonly calls: () => number;
} {
  const left = [...messages];
  const evalSha = vi.fn(async () => {
    const message = left.length > 1 ? left.shift() : left[0];
    if (message !== "") throw new Error(message);
    return "done";
  });
  const client: NodeRedisClient = { evalSha, eval: async () => "by source" };
  return {
    client,
    run: () => scriptRunner(client)(SCRIPT, [], []),
    calls: () => evalSha.mock.calls.length,
  };
}

/** The outcome of a call that has to settle within 3.5 s of the fake clock. */
async function settle<Result>(call: Promise<Result>): Promise<PromiseSettledResult<Result>> {
  const settled = Promise.allSettled([call]);
  const late = new Promise<never>((_, reject) => {
    setTimeout(() => reject(new Error("The call takes longer than 3.5 s.")), 3_500);
  });
  late.catch(() => {});
  await vi.advanceTimersByTimeAsync(3_600);
  const [outcome] = await Promise.race([settled, late]);
  return outcome;
}

describe("the scripts of a Redis store", () => {
  beforeEach(
    () => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] }),
  );
  afterEach(() => void vi.useRealTimers());

  test.each(PASSING)("given %j twice, runs the script a third time", async (message) => {
    const { run, calls } = failing(message, message, "");
    expect(await settle(run())).toEqual({ status: "fulfilled", value: "done" });
    expect(calls()).toBe(3);
  });

  test.each(PASSING)(
    "given %j without an end, gives up as unavailable within 3.5 s",
    async (message) => {
      const { run, calls } = failing(message);
      const outcome = await settle(run());
      expect(calls()).toBeGreaterThan(5);
      expect(calls()).toBeLessThan(20);
      expect(outcome).toMatchObject({
        reason: { code: "store-unavailable", retryable: true, cause: { message } },
      });
    },
  );

  test.each(LASTING)("given %j, throws at once, with a remedy", async (message, remedy) => {
    const { run, calls } = failing(message);
    const outcome = await settle(run());
    expect(calls()).toBe(1);
    if (outcome.status !== "rejected") throw new Error("It was not rejected.");
    expect(isProgressError(outcome.reason, "store-unavailable")).toBe(true);
    expect(outcome.reason.message).toContain(message);
    expect(outcome.reason.message).toContain(remedy);
  });

  test("given a server that does not know the script, sends its source", async () => {
    const { run } = failing("NOSCRIPT No matching script. Please use EVAL.");
    expect(await settle(run())).toEqual({ status: "fulfilled", value: "by source" });
  });

  const fakes: Readonly<Record<string, (on: () => void) => object>> = {
    ioredis: (onReconnect) => ({
      isCluster: false,
      status: "ready",
      evalsha: () => Promise.reject(new Error(READONLY)),
      disconnect: (again: boolean) => again && onReconnect(),
    }),
    "node-redis": (onReconnect) => ({
      isReady: true,
      listenerCount: () => 1,
      evalSha: () => Promise.reject(new Error(READONLY)),
      sendCommand: async ([command]: string[]) => command === "QUIT" && onReconnect(),
    }),
  };

  test.each(Object.entries(fakes))(
    "given READONLY on %s, makes the client connect again at most once in 5 s",
    async (_, makeClient) => {
      const reconnect = vi.fn();
      const run = scriptRunner(makeClient(reconnect) as RedisClient);
      await settle(run(SCRIPT, [], []));
      expect(reconnect).toHaveBeenCalledTimes(1);
      await settle(run(SCRIPT, [], []));
      expect(reconnect).toHaveBeenCalledTimes(2);
    },
  );

  test("given READONLY on node-redis without an error listener, keeps the connection", async () => {
    const reconnect = vi.fn();
    const client = { ...fakes["node-redis"]?.(reconnect), listenerCount: () => 0 };
    await settle(scriptRunner(client as unknown as RedisClient)(SCRIPT, [], []));
    expect(reconnect).not.toHaveBeenCalled();
  });
});
