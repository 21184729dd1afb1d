import { describe, expect, test } from "vitest";
import { type StreamLimiter, streamLimiter } from "../../../src/core/hub/stream-limiter.js";
import { flushMicrotasks } from "../context.js";

function limiterOf(
  maxStreams: number,
  maxStreamsPerJob: number,
  maxStreamsPerConnection: number = Number.POSITIVE_INFINITY,
  maxStreamsPerPrincipal: number = Number.POSITIVE_INFINITY,
): StreamLimiter {
  return streamLimiter({
    maxStreams,
    maxStreamsPerJob,
    maxStreamsPerConnection,
    maxStreamsPerPrincipal,
  });
}

describe("take", () => {
  test("given free slots, takes one for each call", () => {
    const limiter = limiterOf(2, 2);
    limiter.take({ jobId: "a" });
    limiter.take({ jobId: "b" });
    expect(limiter.count()).toBe(2);
  });

  test("given no free slot in the process, throws and names the limit", () => {
    const limiter = limiterOf(2, 2);
    limiter.take({ jobId: "a" });
    limiter.take({ jobId: "b" });
    expect(() => limiter.take({ jobId: "c" })).toThrow(
      expect.objectContaining({
        code: "too-many-streams",
        status: 429,
        retryable: true,
        message: expect.stringContaining("limit of 2 open streams in this process"),
      }),
    );
    expect(limiter.count()).toBe(2);
  });

  test("given no free slot of the job, throws for that job only", () => {
    const limiter = limiterOf(10, 1);
    limiter.take({ jobId: "a" });
    expect(() => limiter.take({ jobId: "a" })).toThrow(
      expect.objectContaining({
        code: "too-many-streams",
        message: expect.stringContaining('limit of 1 open streams of the job "a"'),
      }),
    );
    limiter.take({ jobId: "b" });
    expect(limiter.count()).toBe(2);
  });

  test("given a refused stream, takes no slot of the job", () => {
    const limiter = limiterOf(1, 1);
    const giveBack = limiter.take({ jobId: "a" });
    expect(() => limiter.take({ jobId: "b" })).toThrow();
    giveBack();
    limiter.take({ jobId: "b" });
    expect(limiter.count()).toBe(1);
  });

  test("given a slot that was given back, takes it again", () => {
    const limiter = limiterOf(10, 2);
    const giveBack = [limiter.take({ jobId: "a" }), limiter.take({ jobId: "a" })];
    giveBack[0]?.();
    expect(limiter.count()).toBe(1);
    giveBack.push(limiter.take({ jobId: "a" }));
    expect(() => limiter.take({ jobId: "a" })).toThrow();
    giveBack[1]?.();
    giveBack[2]?.();
    expect(limiter.count()).toBe(0);
    limiter.take({ jobId: "a" });
    limiter.take({ jobId: "a" });
    expect(() => limiter.take({ jobId: "a" })).toThrow();
  });

  test("given Infinity, has no limit", () => {
    const limiter = limiterOf(Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY);
    for (let i = 0; i < 1_000; i += 1) limiter.take({ jobId: "a" });
    expect(limiter.count()).toBe(1_000);
  });
});

describe("take, for a connection", () => {
  test("given no free slot of the connection, throws for that connection only", () => {
    const limiter = limiterOf(10, 10, 2);
    const [one, other] = [{}, {}];
    limiter.take({ jobId: "a", connection: one });
    limiter.take({ jobId: "b", connection: one });
    expect(() => limiter.take({ jobId: "c", connection: one })).toThrow(
      expect.objectContaining({
        code: "too-many-streams",
        message: expect.stringContaining("limit of 2 open streams of one connection"),
      }),
    );
    limiter.take({ jobId: "c", connection: other });
    expect(limiter.count()).toBe(3);
  });

  test("given a slot that was given back, takes it again", () => {
    const limiter = limiterOf(10, 10, 1);
    const connection = {};
    limiter.take({ jobId: "a", connection })();
    limiter.take({ jobId: "a", connection });
    expect(() => limiter.take({ jobId: "a", connection })).toThrow();
  });

  test("given connections that are not known, does not limit them", () => {
    const limiter = limiterOf(10, 10, 1);
    limiter.take({ jobId: "a" });
    limiter.take({ jobId: "a" });
    expect(limiter.count()).toBe(2);
  });
});

describe("take, for a principal", () => {
  test("given no free slot of the principal, throws for that principal only", () => {
    const limiter = limiterOf(10, 10, 10, 2);
    limiter.take({ jobId: "a", connection: {}, principals: ["ann"] });
    limiter.take({ jobId: "b", connection: {}, principals: ["ann"] });
    expect(() => limiter.take({ jobId: "c", connection: {}, principals: ["ann"] })).toThrow(
      expect.objectContaining({
        code: "too-many-streams",
        message: expect.stringContaining("limit of 2 open streams of one principal"),
      }),
    );
    limiter.take({ jobId: "c", connection: {}, principals: ["bob"] });
    limiter.take({ jobId: "c", connection: {} });
    expect(limiter.count()).toBe(4);
  });

  test("given several principals, counts the slot for each, and none if it throws", () => {
    const limiter = limiterOf(10, 10, 10, 1);
    const giveBack = limiter.take({ principals: ["ann", "bob"] });
    for (const principals of [["ann"], ["bob"], ["eve", "bob"]])
      expect(() => limiter.take({ principals })).toThrow();
    limiter.take({ principals: ["eve"] });
    giveBack();
    limiter.take({ principals: ["bob"] });
  });

  test("given a slot that was given back, takes it again", () => {
    const limiter = limiterOf(10, 10, 10, 1);
    limiter.take({ jobId: "a", principals: ["ann"] })();
    limiter.take({ jobId: "a", principals: ["ann"] });
    expect(() => limiter.take({ jobId: "a", principals: ["ann"] })).toThrow();
  });
});

describe("whenNone", () => {
  test("given no taken slot, resolves", async () => {
    const limiter = limiterOf(2, 2);
    await limiter.whenNone();
  });

  test("given taken slots, resolves for all callers when the last is given back", async () => {
    const limiter = limiterOf(2, 2);
    const giveBack = [limiter.take({ jobId: "a" }), limiter.take({ jobId: "b" })];
    let resolved = 0;
    const waiting = [1, 2].map(async () => {
      await limiter.whenNone();
      resolved += 1;
    });
    giveBack[0]?.();
    await flushMicrotasks();
    expect(resolved).toBe(0);
    giveBack[1]?.();
    await Promise.all(waiting);
    expect(resolved).toBe(2);
  });

  test("given a slot that is taken again later, waits for that one too", async () => {
    const limiter = limiterOf(2, 2);
    limiter.take({ jobId: "a" })();
    const giveBack = limiter.take({ jobId: "a" });
    let isResolved = false;
    const waiting = limiter.whenNone().then(() => {
      isResolved = true;
    });
    await flushMicrotasks();
    expect(isResolved).toBe(false);
    giveBack();
    await waiting;
  });
});
