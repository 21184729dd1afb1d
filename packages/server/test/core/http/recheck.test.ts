import { describe, expect, test } from "vitest";
import type { Authorize, AuthorizeRequest, Decision } from "../../../src/index.js";
import { advance, makeContext, useFakeTime } from "../context.js";
import { requestFacts } from "../requests.js";
import { type FakeSink, openStream } from "../streams.js";

useFakeTime();

const RECHECK_MS = 60_000;
/** With the `random` of the context, which returns 0.5, and one tick. */
const DUE_MS = RECHECK_MS * 0.9 + 500;

/** An app whose answer the test can change. It keeps the questions. */
function openApp(first: Decision = true) {
  const app = {
    answer: (): Decision | Promise<Decision> => first,
    questions: [] as AuthorizeRequest[],
  };
  const authorize: Authorize = (question) => {
    app.questions.push(question);
    return app.answer();
  };
  const context = makeContext({ authorize, recheckMs: RECHECK_MS, idleTimeoutMs: false });
  return { app, ...context };
}

function isClosedWithBye({ events, ended }: FakeSink): boolean {
  const last = events.at(-1);
  return ended && last?.event === "bye" && last.data.reason === "auth";
}

describe("recheckMs", () => {
  test("given a permission that still holds, asks the same question again and again", async () => {
    const { app, progress, createJob } = openApp();
    const id = await createJob();
    const sink = await openStream(progress, id);
    await advance(3 * DUE_MS);
    expect(app.questions).toHaveLength(4);
    expect(app.questions[3]).toEqual(app.questions[0]);
    expect(app.questions[3]?.facts).toBe(app.questions[0]?.facts);
    expect(sink.ended).toBe(false);
  });

  test.each<[string, Decision]>([
    ["false", false],
    ["a reason", { allow: false, reason: "not-authenticated" }],
    ["a permission that has ended", { allow: true, until: 1 }],
  ])("given %s, closes the stream with bye: auth", async (_name, decision) => {
    const { app, progress, createJob } = openApp();
    const sink = await openStream(progress, await createJob());
    app.answer = async () => decision;
    await advance(DUE_MS);
    expect(isClosedWithBye(sink)).toBe(true);
    expect(progress.metrics().slots).toBe(0);
    await advance(2 * DUE_MS);
    expect(app.questions).toHaveLength(2);
  });

  test("given a permission that ends before the next question, closes the stream then", async () => {
    const { app, progress, createJob } = openApp();
    const sink = await openStream(progress, await createJob());
    app.answer = () => ({ allow: true, until: Date.now() + 10_000 });
    await advance(DUE_MS + 9_000);
    expect(sink.ended).toBe(false);
    await advance(1_500);
    expect(isClosedWithBye(sink)).toBe(true);
    expect(app.questions).toHaveLength(2);
  });

  test.each<[string, () => Decision]>([
    [
      "a throw",
      () => {
        throw new Error("no database");
      },
    ],
    ["no decision", () => undefined as unknown as Decision],
  ])("given %s, keeps the stream, tells onError and asks again", async (_name, answer) => {
    const { app, progress, createJob, errors } = openApp();
    const sink = await openStream(progress, await createJob());
    app.answer = answer;
    await advance(DUE_MS);
    expect(sink.ended).toBe(false);
    expect(errors).toMatchObject([{ code: "internal" }]);
    app.answer = () => false;
    await advance(DUE_MS);
    expect(isClosedWithBye(sink)).toBe(true);
  });

  test("given an app that is slow, asks at most 50 questions at once, and all in turn", async () => {
    const { app, progress, createJob } = openApp();
    const id = await createJob();
    const sinks: FakeSink[] = [];
    for (let count = 0; count < 120; count += 1) sinks.push(await openStream(progress, id));
    const answers: ((decision: Decision) => void)[] = [];
    app.answer = () => new Promise<Decision>((resolve) => answers.push(resolve));
    await advance(DUE_MS);
    expect(answers).toHaveLength(50);
    for (const wanted of [100, 120, 120]) {
      for (const answer of answers) answer(false);
      await advance(0);
      expect(answers).toHaveLength(wanted);
    }
    expect(sinks.every(isClosedWithBye)).toBe(true);
  });

  test("given a stream that ended meanwhile, ignores the answer", async () => {
    const { app, progress, createJob, setFields, errors } = openApp();
    const id = await createJob();
    const sink = await openStream(progress, id);
    let refuse = (_decision: Decision) => {};
    app.answer = () =>
      new Promise<Decision>((resolve) => {
        refuse = resolve;
      });
    await advance(DUE_MS);
    await setFields(id, { status: "completed" });
    await advance(0);
    refuse(false);
    await advance(0);
    expect(sink.events.at(-1)?.event).toBe("end");
    expect(errors).toEqual([]);
  });

  test("given no recheckMs, asks once", async () => {
    let calls = 0;
    const authorize = () => {
      calls += 1;
      return true;
    };
    const { progress, createJob } = makeContext({ authorize, idleTimeoutMs: false });
    await openStream(progress, await createJob());
    await advance(600_000);
    expect(calls).toBe(1);
  });

  test("given a held poll, asks once", async () => {
    const { app, progress, createJob } = openApp();
    const id = await createJob();
    const cursor = (await progress.status(id))?.cursor;
    const answering = progress.handle(requestFacts(`/${id}?after=${cursor}&wait=20`));
    await advance(25_000);
    await answering;
    expect(app.questions).toHaveLength(1);
  });
});
