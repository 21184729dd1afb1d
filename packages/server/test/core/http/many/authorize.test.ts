import type { ManyReply } from "@emlinh/progress-protocol";
import { describe, expect, test } from "vitest";
import {
  type Authorize,
  type AuthorizeRequest,
  allowAnyone,
  type Decision,
  type Progress,
  type RequestRefused,
} from "../../../../src/index.js";
import { advance, makeContext, useFakeTime } from "../../context.js";
import { bodyOf, requestFacts } from "../../requests.js";
import { openMany } from "../../streams.js";

useFakeTime();

const POLL = "/?job=a&job=b&subject=user:1";
const MANY = POLL.slice(2);

/** What a reader that has everything sends. */
async function seen({ handle }: Progress): Promise<{ cursors: string; tag: string }> {
  const { listed, jobs } = bodyOf(await handle(requestFacts(POLL))) as unknown as ManyReply;
  const targets = jobs.map(
    ({ job, cursor }) => `${job === "c" ? "after" : "job"}=${job}@${cursor}`,
  );
  return { cursors: targets.join("&"), tag: listed[0]?.tag ?? "" };
}

type Rule = (question: AuthorizeRequest) => Decision;

/** A context with the jobs a, b and c, of which c is in the list of `user:1`. */
async function newContext(authorize: Authorize, options = {}) {
  const context = makeContext({ authorize, ...options });
  for (const [id, subject] of [["a"], ["b"], ["c", "user:1"]] as const)
    await context.createJob(id, subject === undefined ? [] : [subject]);
  return context;
}

describe("the questions of a request for many jobs", () => {
  test("are one for each job and subject, asked at the same time and before any look-up", async () => {
    const asked: (string | undefined)[][] = [];
    const { progress, store } = await newContext(({ action, jobId, subject }) => {
      asked.push([action, jobId, subject]);
      return true;
    });
    const reads = store.calls.read;
    const answer = progress.handle(requestFacts(POLL));
    expect(store.calls).toMatchObject({ read: reads, list: 0 });
    expect(asked).toEqual([
      ["watch", "a", undefined],
      ["watch", "b", undefined],
      ["list", undefined, "user:1"],
    ]);
    expect((await answer).status).toBe(200);
  });

  test("given allowAnyone, watching is allowed and listing is not", async () => {
    const { progress } = await newContext(allowAnyone);
    expect(bodyOf(await progress.handle(requestFacts(POLL)))).toMatchObject({
      listed: [],
      jobs: [{ job: "a" }, { job: "b" }],
      refused: [{ subject: "user:1", status: 403, code: "forbidden" }],
    });
  });

  test("given a permission to list, the jobs of the list need no other one", async () => {
    const { progress } = await newContext(({ action }) => action === "list");
    const sink = await openMany(progress, MANY);
    expect(sink.names()).toEqual([
      "hello",
      "listed user:1",
      "refused a",
      "refused b",
      "snapshot c",
      "ready",
    ]);
  });

  test("given a job that is forbidden, does not tell whether it exists, and tells onRefusal", async () => {
    const refusals: RequestRefused[] = [];
    const { progress } = await newContext(({ jobId }) => jobId === "a", {
      onRefusal: (refusal: RequestRefused) => void refusals.push(refusal),
    });
    const answer = await progress.handle(requestFacts("/?job=a&job=b&job=unknown&subject=s"));
    const forbidden = { status: 403, code: "forbidden" };
    expect(bodyOf(answer)).toMatchObject({
      refused: [
        { job: "b", ...forbidden },
        { job: "unknown", ...forbidden },
        { subject: "s", ...forbidden },
      ],
    });
    expect(refusals).toEqual([
      { ...forbidden, action: "watch", jobId: "b", subject: undefined },
      { ...forbidden, action: "watch", jobId: "unknown", subject: undefined },
      { ...forbidden, action: "list", jobId: undefined, subject: "s" },
    ]);
    expect(progress.metrics().refusals).toEqual({ forbidden: 3 });
  });

  test.each<[string, Rule, number, string]>([
    [
      "is not authenticated",
      ({ jobId }) => (jobId === "b" ? { allow: false, reason: "not-authenticated" } : true),
      401,
      "not-authenticated",
    ],
    [
      "has ended",
      ({ jobId }) => ({ allow: true, until: jobId ? 9e15 : 1 }),
      401,
      "not-authenticated",
    ],
    [
      "throws",
      ({ subject }) => {
        if (subject) throw new Error("secret");
        return true;
      },
      500,
      "internal",
    ],
    ["is no decision", ({ jobId }) => (jobId === "b" ? (7 as never) : true), 500, "internal"],
  ])("given one whose answer %s, refuses the whole request", async (_name, rule, status, code) => {
    const { progress } = await newContext(rule);
    for (const headers of [{}, { accept: "text/event-stream" }]) {
      const answer = await progress.handle(requestFacts(POLL, headers));
      expect([answer.status, bodyOf(answer)]).toEqual([status, expect.objectContaining({ code })]);
    }
    expect(progress.metrics()).toMatchObject({ slots: 0, watchedJobs: 0 });
  });

  test("given a whole refusal, onRefusal gets its action and no job", async () => {
    const refusals: RequestRefused[] = [];
    const { progress } = await newContext(() => ({ allow: false, reason: "not-authenticated" }), {
      onRefusal: (refusal: RequestRefused) => void refusals.push(refusal),
    });
    await progress.handle(requestFacts(POLL));
    await progress.handle(requestFacts("/?subject=s"));
    await advance(0);
    expect(refusals).toEqual([
      { code: "not-authenticated", status: 401, action: "watch" },
      { code: "not-authenticated", status: 401, action: "list" },
    ]);
  });
});

describe("the permissions of a stream of many jobs", () => {
  test("given one that ends, the stream ends before it, and nothing is sent after it", async () => {
    const until = 1_700_000_000_000 + 20_000;
    const { progress, setFields } = await newContext(({ jobId }) =>
      jobId === "b" ? { allow: true, until } : true,
    );
    const sink = await openMany(progress, MANY);
    await advance(20_000);
    expect(sink.events.at(-1)).toMatchObject({ event: "bye", data: { reason: "auth" } });
    const sent = sink.events.length;
    await setFields("a", { message: "m" });
    await advance(0);
    expect(sink.events).toHaveLength(sent);
  });

  /** The principal of a list is ann, and that of the job a is bob. The job b has none. */
  const byTarget: Authorize = ({ action, jobId }) => {
    if (action === "list") return { allow: true, principal: "ann" };
    return jobId === "a" ? { allow: true, principal: "bob" } : true;
  };

  test("given several principals, its slot counts for each of them, and is given back", async () => {
    const { progress } = await newContext(byTarget, { maxStreamsPerPrincipal: 1 });
    await openMany(progress, MANY);
    for (const query of ["job=a", "subject=user:1"])
      await expect(openMany(progress, query)).rejects.toThrow("too-many-streams");
    await openMany(progress, "job=b");
    progress.disconnect({ principal: "bob" });
    await advance(1000);
    await openMany(progress, MANY);
  });

  test.each(["ann", "bob"])(
    "given several principals, a disconnect of %s ends it, and answers its long poll",
    async (principal) => {
      const { progress } = await newContext(byTarget);
      const sink = await openMany(progress, MANY);
      const { cursors, tag } = await seen(progress);
      const held = progress.handle(requestFacts(`/?subject=user:1&${cursors}&seen=${tag}&wait=20`));
      await advance(0);
      expect(progress.disconnect({ principal })).toBe(2);
      expect(sink.events.at(-1)).toMatchObject({ event: "bye", data: { reason: "auth" } });
      expect(bodyOf(await held)).toMatchObject({ listed: [], jobs: [] });
    },
  );

  test.each([
    ["the named job", { jobId: "a" }, 1],
    ["a job of the list", { jobId: "c" }, 1],
    ["the subject", { subject: "user:1" }, 1],
    ["the principal", { principal: "ann" }, 1],
    ["the principal at the subject", { subject: "user:1", principal: "ann" }, 1],
    ["another principal at the subject", { subject: "user:1", principal: "bob" }, 0],
    ["another job", { jobId: "z" }, 0],
    ["another subject", { subject: "user:2" }, 0],
  ])(
    "given a disconnect of %s, ends it with bye if it reads that",
    async (_name, target, count) => {
      const { progress } = await newContext(() => ({ allow: true, principal: "ann" }));
      const sink = await openMany(progress, MANY);
      expect(progress.disconnect(target as { jobId: string })).toBe(count);
      expect(sink.ended).toBe(count === 1);
      if (count === 1)
        expect(sink.events.at(-1)).toMatchObject({ event: "bye", data: { reason: "auth" } });
    },
  );

  test("given a disconnect of a subject, a stream of one job goes on", async () => {
    const { progress } = await newContext(() => true);
    const answer = await progress.handle(requestFacts("/c", { accept: "text/event-stream" }));
    expect(answer.kind).toBe("stream");
    expect(progress.disconnect({ subject: "user:1" })).toBe(0);
  });

  test("given a held poll, a disconnect answers it with nothing", async () => {
    const { progress } = await newContext(() => true);
    const cursor = (await progress.status("a"))?.cursor;
    const answer = progress.handle(requestFacts(`/?job=a@${cursor}&wait=20`));
    await advance(10);
    expect(progress.disconnect({ jobId: "a" })).toBe(1);
    expect(bodyOf(await answer)).toMatchObject({ listed: [], jobs: [], refused: [] });
  });

  test.each(["text/event-stream", "application/json"])(
    "given a disconnect while a request for %s is answered, the app is asked again",
    async (accept) => {
      let isAllowed = true;
      const { progress, store } = await newContext(() => isAllowed);
      const release = store.hold("list");
      const answering = progress.handle(requestFacts("/?subject=user:1&wait=1", { accept }));
      await advance(0);
      isAllowed = false;
      progress.disconnect({ subject: "user:1" });
      release();
      await advance(2_000);
      const answer = await answering;
      if (answer.kind === "body") expect(bodyOf(answer)).toMatchObject({ listed: [], jobs: [] });
      else {
        const events: string[] = [];
        answer.subscribe({
          write: (bytes) => events.push(new TextDecoder().decode(bytes)) > 0,
          end: () => {},
          destroy: () => {},
        });
        expect(events.join("")).toContain("event: refused");
        expect(events.join("")).not.toContain("event: listed");
      }
    },
  );

  test("given recheckMs, asks again about each target, and one refusal ends the stream", async () => {
    const forbidden = new Set<string | undefined>();
    let questions = 0;
    const { progress } = await newContext(
      ({ jobId, subject }) => {
        questions += 1;
        return !forbidden.has(jobId ?? subject);
      },
      { recheckMs: 10_000 },
    );
    const sink = await openMany(progress, MANY);
    expect(questions).toBe(3);
    await advance(11_000);
    expect(questions).toBe(6);
    expect(sink.ended).toBe(false);
    forbidden.add("user:1");
    await advance(11_000);
    expect(sink.events.at(-1)).toMatchObject({ event: "bye", data: { reason: "auth" } });
  });
});
