import { isProgressError, type ProgressError } from "@emlinh/progress-protocol";
import { afterEach, describe, expect, test, vi } from "vitest";
import type {
  HearChannel,
  NodeRedisClient,
  NodeRedisSubscriber,
} from "../../../src/stores/redis/client.js";
import { redisStore } from "../../../src/stores/redis/index.js";
import { createRedisWatches } from "../../../src/stores/redis/watches.js";

/** A connection that counts its commands and can fail, like one of node-redis. */
function fakeConnection() {
  const listeners = new Map<string, (...args: unknown[]) => void>();
  const channels = new Map<string, HearChannel>();
  const commands: string[] = [];
  const connection = {
    isOpen: true as boolean,
    connect: vi.fn(async () => {}),
    subscribe: vi.fn(async (channel: string, listener: HearChannel) => {
      commands.push(`subscribe ${channel}`);
      channels.set(channel, listener);
    }),
    unsubscribe: vi.fn(async (channel: string) => {
      commands.push(`unsubscribe ${channel}`);
      channels.delete(channel);
    }),
    on: (event: string, listener: (...args: unknown[]) => void) => listeners.set(event, listener),
    off: (event: string) => listeners.delete(event),
    destroy: vi.fn(),
  } satisfies NodeRedisSubscriber;
  return {
    ...connection,
    connection,
    channels,
    commands,
    emit: (event: string, ...args: unknown[]) => listeners.get(event)?.(...args),
    publish: (channel: string, text: string) => channels.get(channel)?.(text, channel),
  };
}

function watchesOn(connections: readonly ReturnType<typeof fakeConnection>[]) {
  const left = [...connections];
  const client: NodeRedisClient = {
    evalSha: async () => {},
    eval: async () => {},
    duplicate: () => {
      const next = left.shift();
      if (next === undefined) throw new Error("The test has no more connections.");
      return next.connection;
    },
  };
  const errors: ProgressError[] = [];
  const source = { client, subscriber: undefined, sharded: false, probeMs: 15_000 };
  return { watches: createRedisWatches(source, (error) => errors.push(error)), errors };
}

describe("the watches of a Redis store", () => {
  afterEach(() => void vi.useRealTimers());

  test("given a client that gave up, the next watch opens a connection and subscribes again", async () => {
    const [first, second] = [fakeConnection(), fakeConnection()];
    const { watches } = watchesOn([first, second]);
    const wake = vi.fn();
    await watches.watch("p:{0}:at:a", wake);
    first.publish("p:{0}:at:a", "2");
    expect(wake.mock.calls.map(([version]) => version)).toEqual([2]);
    first.connection.isOpen = false;
    await watches.watch("p:{0}:at:b", () => {});
    await expect.poll(() => wake).toHaveBeenCalledTimes(2);
    expect([...second.channels.keys()].sort()).toEqual(["p:{0}:at:a", "p:{0}:at:b"]);
    expect(first.destroy).toHaveBeenCalled();
  });

  test("given a watch that ends and another that begins, subscribes only after it has unsubscribed", async () => {
    const connection = fakeConnection();
    const { watches } = watchesOn([connection]);
    let release = (): void => {};
    connection.unsubscribe.mockImplementationOnce(
      () =>
        new Promise((resolve) => {
          release = () => {
            connection.commands.push("unsubscribed");
            resolve();
          };
        }),
    );
    const unwatch = await watches.watch("p:{0}:at:a", () => {});
    await unwatch();
    await expect.poll(() => connection.unsubscribe).toHaveBeenCalled();
    const next = watches.watch("p:{0}:at:a", () => {});
    release();
    await next;
    expect(connection.commands).toEqual([
      "subscribe p:{0}:at:a",
      "unsubscribed",
      "subscribe p:{0}:at:a",
    ]);
  });

  test("given several errors, rejects the watch that waits, and reports the outage once until it ends", async () => {
    const connection = fakeConnection();
    connection.connect.mockImplementation(() => new Promise(() => {}));
    const { watches, errors } = watchesOn([connection]);
    const watch = watches.watch("p:{0}:at:a", () => {});
    await expect.poll(() => connection.connect).toHaveBeenCalled();
    for (let by = 0; by < 3; by += 1) connection.emit("error", new Error("connection lost"));
    await expect(watch).rejects.toSatisfy((error) => isProgressError(error, "store-unavailable"));
    expect(errors.map(({ code }) => code)).toEqual(["store-unavailable"]);
    connection.emit("ready");
    connection.emit("ready");
    connection.emit("error", new Error("connection lost"));
    expect(errors).toHaveLength(2);
  });

  test("given a close, refuses the watch that waits, and later ones", async () => {
    const connection = fakeConnection();
    connection.connect.mockImplementation(() => new Promise(() => {}));
    const { watches, errors } = watchesOn([connection]);
    const watch = watches.watch("p:{0}:at:a", () => {});
    await expect.poll(() => connection.connect).toHaveBeenCalled();
    watches.close();
    watches.close();
    await expect(watch).rejects.toSatisfy((error) => isProgressError(error, "closed"));
    const later = watches.watch("p:{0}:at:a", () => {});
    await expect(later).rejects.toSatisfy((error) => isProgressError(error, "closed"));
    connection.emit("error", new Error("after the close"));
    expect(errors).toEqual([]);
  });

  test("given a connection that gives no answer, replaces it until one answers, and wakes the watches", async () => {
    vi.useFakeTimers();
    const [first, mute, last] = [fakeConnection(), fakeConnection(), fakeConnection()];
    const { watches, errors } = watchesOn([first, mute, last]);
    const wake = vi.fn();
    await watches.watch("p:{0}:at:a", wake);
    first.connection.subscribe.mockImplementation(() => new Promise(() => {}));
    mute.connection.connect.mockImplementation(() => new Promise(() => {}));
    await vi.advanceTimersByTimeAsync(19_999);
    expect(errors).toEqual([]);
    await vi.advanceTimersByTimeAsync(201);
    expect(first.destroy).toHaveBeenCalled();
    expect(mute.connection.connect).toHaveBeenCalled();
    expect(wake).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(10_400);
    expect(mute.destroy).toHaveBeenCalled();
    expect([...last.channels.keys()]).toEqual(["p:{0}:at:a"]);
    expect(wake).toHaveBeenCalledTimes(1);
    expect(errors.map(({ code }) => code)).toEqual(["store-unavailable"]);
    await vi.advanceTimersByTimeAsync(100_000);
    expect(last.destroy).not.toHaveBeenCalled();
    expect([...last.channels.keys()]).toEqual(["p:{0}:at:a"]);
    expect(last.commands).toContain("subscribe p:{0}");
    watches.close();
  });

  test("given a client that gave up, opens a connection although no watch begins", async () => {
    vi.useFakeTimers();
    const [first, second] = [fakeConnection(), fakeConnection()];
    const { watches } = watchesOn([first, second]);
    const wake = vi.fn();
    await watches.watch("p:{0}:at:a", wake);
    first.connection.isOpen = false;
    await vi.advanceTimersByTimeAsync(15_300);
    expect([...second.channels.keys()]).toEqual(["p:{0}:at:a"]);
    expect(wake).toHaveBeenCalledTimes(1);
    watches.close();
  });

  test("given no watch, sends no check, and given a close, leaves no timer", async () => {
    vi.useFakeTimers();
    const connection = fakeConnection();
    const { watches } = watchesOn([connection]);
    const unwatch = await watches.watch("p:{0}:at:a", () => {});
    await unwatch();
    await vi.advanceTimersByTimeAsync(100_000);
    expect(connection.commands).toEqual(["subscribe p:{0}:at:a", "unsubscribe p:{0}:at:a"]);
    expect(vi.getTimerCount()).toBe(1);
    watches.close();
    await vi.advanceTimersByTimeAsync(0);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("given an onError that throws, neither the connection nor the check of the memory is harmed", async () => {
    const connection = fakeConnection();
    const onError = vi.fn(() => {
      throw new Error("from onError");
    });
    const info = "maxmemory:100\r\nmaxmemory_policy:allkeys-lru\r\n";
    const client: NodeRedisClient = {
      evalSha: async () => info,
      eval: async () => info,
      duplicate: () => connection.connection,
    };
    const store = redisStore({ client, prefix: "p", onError });
    const wake = vi.fn();
    await store.watch({ jobId: "a" }, wake);
    await expect.poll(() => onError).toHaveBeenCalledTimes(1);
    expect(() => connection.emit("error", new Error("connection lost"))).not.toThrow();
    expect(onError).toHaveBeenCalledTimes(2);
    const [channel = ""] = connection.channels.keys();
    connection.publish(channel, "2");
    expect(wake.mock.calls.map(([version]) => version)).toEqual([2]);
    await store.close();
  });
});
