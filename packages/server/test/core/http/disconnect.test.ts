import { describe, expect, test } from "vitest";
import type { Authorize, DisconnectTarget, Progress } from "../../../src/index.js";
import { advance, makeContext, useFakeTime } from "../context.js";
import { bodyOf, requestFacts } from "../requests.js";
import { type FakeSink, fakeSink, subscribe } from "../streams.js";

useFakeTime();

/** The principal is the user that the request names. */
const byUser: Authorize = ({ facts }) => ({ allow: true, principal: facts.header("x-user") });

async function watchAs(
  progress: Progress,
  jobId: string,
  user?: string,
  sink: FakeSink = fakeSink(),
): Promise<FakeSink> {
  const headers = { accept: "text/event-stream", ...(user && { "x-user": user }) };
  return subscribe(await progress.handle(requestFacts(`/${jobId}`, headers)), sink);
}

function byesOf({ events }: FakeSink): unknown[] {
  return events.filter(({ event }) => event === "bye").map(({ data }) => data.reason);
}

describe("disconnect", () => {
  test.each<[string, DisconnectTarget, closed: readonly string[]]>([
    ["a job", { jobId: "a" }, ["ann at a", "bob at a", "nobody at a"]],
    ["a principal", { principal: "ann" }, ["ann at a", "ann at b"]],
    ["both", { jobId: "b", principal: "ann" }, ["ann at b"]],
    ["an unknown job", { jobId: "c" }, []],
    ["an unknown principal", { principal: "eve" }, []],
  ])("given %s, closes its streams at once with bye: auth", async (_name, target, closed) => {
    const { progress, createJob } = makeContext({ authorize: byUser });
    for (const id of ["a", "b"]) await createJob(id);
    const sinks = {
      "ann at a": await watchAs(progress, "a", "ann"),
      "bob at a": await watchAs(progress, "a", "bob"),
      "nobody at a": await watchAs(progress, "a"),
      "ann at b": await watchAs(progress, "b", "ann"),
    };
    expect(progress.disconnect(target)).toBe(closed.length);
    for (const [name, sink] of Object.entries(sinks)) {
      expect(sink.ended).toBe(closed.includes(name));
      expect(byesOf(sink)).toEqual(closed.includes(name) ? ["auth"] : []);
    }
    await advance(0);
    expect(progress.metrics().slots).toBe(4 - closed.length);
  });

  test("given a stream that is full, destroys it", async () => {
    const { progress, createJob } = makeContext();
    const sink = await watchAs(progress, await createJob("a"), undefined, fakeSink(1));
    expect(progress.disconnect({ jobId: "a" })).toBe(1);
    expect(sink.destroyed).toBe(true);
    expect(progress.metrics().slots).toBe(0);
  });

  test("given a stream that ends already, does not count it", async () => {
    const { progress, createJob } = makeContext();
    const sink = fakeSink();
    sink.closesWhenEnded = false;
    await watchAs(progress, await createJob("a"), undefined, sink);
    expect(progress.disconnect({ jobId: "a" })).toBe(1);
    expect(progress.disconnect({ jobId: "a" })).toBe(0);
    expect(byesOf(sink)).toEqual(["auth"]);
  });

  test("given a stream that was not subscribed to yet, ends it", async () => {
    const { progress, createJob } = makeContext();
    await createJob("a");
    const answer = await progress.handle(requestFacts("/a", { accept: "text/event-stream" }));
    expect(progress.disconnect({ jobId: "a" })).toBe(1);
    const sink = subscribe(answer);
    expect([sink.events, sink.ended]).toEqual([[], true]);
    expect(progress.metrics().slots).toBe(0);
  });

  test("given a held poll, answers it at once without data", async () => {
    const { progress, createJob } = makeContext({ authorize: byUser });
    await createJob("a");
    const cursor = (await progress.status("a"))?.cursor;
    const target = `/a?after=${cursor}&wait=20`;
    const answering = progress.handle(requestFacts(target, { "x-user": "ann" }));
    await advance(0);
    expect(progress.disconnect({ principal: "ann" })).toBe(1);
    expect(bodyOf(await answering)).toMatchObject({ cursor, set: {} });
  });

  test.each([
    ["a stream", "/a", { accept: "text/event-stream" }],
    ["a held poll", "/a?after=CURSOR&wait=20", {}],
  ])(
    "given %s that was authorized before and opens after it, gives it no more",
    async (_name, target, headers) => {
      let isAllowed = true;
      const { progress, createJob, store } = makeContext({ authorize: () => isAllowed });
      await createJob("a");
      const cursor = (await progress.status("a"))?.cursor ?? "";
      const release = store.holdReplies("read");
      const answering = progress.handle(requestFacts(target.replace("CURSOR", cursor), headers));
      await advance(0);
      isAllowed = false;
      progress.disconnect({ jobId: "a" });
      release();
      await advance(500);
      const answer = await answering;
      if (answer.status === 200) expect(bodyOf(answer)).toMatchObject({ cursor, set: {} });
      else expect(bodyOf(answer)).toMatchObject({ code: "forbidden" });
      expect(progress.metrics()).toMatchObject({ slots: 0, watchedJobs: 0 });
    },
  );

  test.each<[unknown, string]>([
    [{}, "no jobId, subject or principal"],
    [{ jobId: undefined }, "no jobId, subject or principal"],
    [{ jobId: "a", subject: "a" }, "a jobId and a subject"],
    [{ subject: "a b" }, 'subject is "a b"'],
    [undefined, "the options object is undefined"],
    ["a", 'the options object is "a"'],
    [{ jobId: "a b" }, 'jobId is "a b"'],
    [{ principal: 42 }, "principal is 42"],
    [{ job: "a" }, 'no option "job"'],
  ])("given %j, throws invalid-option", (target, message) => {
    const { progress } = makeContext();
    expect(() => progress.disconnect(target as DisconnectTarget)).toThrow(
      expect.objectContaining({
        code: "invalid-option",
        message: expect.stringContaining(message),
      }),
    );
  });
});
