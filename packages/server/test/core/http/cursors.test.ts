import { describe, expect, test } from "vitest";
import { makeContext, useFakeTime } from "../context.js";
import { bodyOf, requestFacts } from "../requests.js";
import { subscribe } from "../streams.js";

useFakeTime();

const STREAM = "text/event-stream";

describe("cursors and entity tags", () => {
  test("given Last-Event-ID and ?after=, uses Last-Event-ID unless it is empty", async () => {
    const { progress, createJob, setFields } = makeContext();
    const id = await createJob();
    const first = (await progress.status(id))?.cursor ?? "";
    await setFields(id, { message: "m" });
    const second = (await progress.status(id))?.cursor ?? "";
    const target = `/${id}?after=${first}`;
    const byHeader = await progress.handle(requestFacts(target, { "last-event-id": second }));
    expect(bodyOf(byHeader)).toMatchObject({ cursor: second, set: {} });
    const byQuery = await progress.handle(requestFacts(target, { "last-event-id": "" }));
    expect(bodyOf(byQuery)).toMatchObject({ set: { message: "m" } });
  });

  test("given ?lastEventId=, uses it before ?after= and after the header, unless it is empty", async () => {
    const { progress, createJob, setFields } = makeContext();
    const id = await createJob();
    const cursorNow = async () => (await progress.status(id))?.cursor ?? "";
    const first = await cursorNow();
    await setFields(id, { message: "m" });
    const second = await cursorNow();
    await setFields(id, { percent: 5 });
    const third = await cursorNow();
    const setAfter = async (query: string, header = "") => {
      const facts = requestFacts(`/${id}?${query}`, { "last-event-id": header });
      return (bodyOf(await progress.handle(facts)) as { set: unknown }).set;
    };
    const after = `after=${first}`;
    expect(await setAfter(`${after}&lastEventId=${third}`)).toEqual({});
    expect(await setAfter(`lastEventId=${third}&${after}`)).toEqual({});
    expect(await setAfter(`lastEventId=${second}`, third)).toEqual({});
    expect(await setAfter(`lastEventId=${second}`)).toMatchObject({ percent: 5 });
    expect(await setAfter(`${after}&lastEventId=`)).toMatchObject({ message: "m" });
    const stream = { accept: STREAM };
    const answer = await progress.handle(requestFacts(`/${id}?lastEventId=${second}`, stream));
    expect(subscribe(answer).deltas()).toMatchObject([{ set: { percent: 5 } }]);
  });

  test.each(["", "nonsense", "other.3", ".1", "a.b.c", "ü.1", "x".repeat(5000)])(
    "given the cursor %j, answers with the snapshot",
    async (cursor) => {
      const { progress, createJob } = makeContext();
      const id = await createJob();
      const query = new URLSearchParams({ after: cursor });
      const json = await progress.handle(requestFacts(`/${id}`, {}, { query }));
      expect(bodyOf(json)).toMatchObject({ reset: true });
      const stream = await progress.handle(requestFacts(`/${id}`, { accept: STREAM }, { query }));
      expect(stream.status).toBe(200);
    },
  );

  test("given the cursor of the end, answers 204 to a stream request and done to a poll", async () => {
    const { progress, createJob, setFields } = makeContext();
    const id = await createJob();
    await setFields(id, { status: "cancelled" });
    const cursor = (await progress.status(id))?.cursor ?? "";
    const stream = await progress.handle(
      requestFacts(`/${id}`, { accept: STREAM, "last-event-id": cursor }),
    );
    expect(stream).toMatchObject({ kind: "body", status: 204, body: null });
    expect(progress.metrics()).toMatchObject({ slots: 0, watchedJobs: 0 });
    const poll = await progress.handle(requestFacts(`/${id}?after=${cursor}`));
    expect(bodyOf(poll)).toEqual({ cursor, set: {}, done: true, now: 1_700_000_000_000 });
  });

  test("given a delta that is not the end, answers without done", async () => {
    const { progress, createJob, setFields } = makeContext();
    const id = await createJob();
    const cursor = (await progress.status(id))?.cursor ?? "";
    await setFields(id, {}, ["line"]);
    expect(
      bodyOf(await progress.handle(requestFacts(`/${id}?after=${cursor}`))),
    ).not.toHaveProperty("done");
  });

  test("given a matching If-None-Match, answers 304, except for a snapshot", async () => {
    const { progress, createJob, setFields } = makeContext();
    const id = await createJob();
    const cursor = (await progress.status(id))?.cursor ?? "";
    const match = { "if-none-match": `"other", W/"${cursor}"` };
    for (const target of [`/${id}/status`, `/${id}?after=${cursor}`]) {
      const answer = await progress.handle(requestFacts(target, match));
      expect(answer).toMatchObject({ status: 304, body: null, headers: { etag: `W/"${cursor}"` } });
    }
    expect((await progress.handle(requestFacts(`/${id}`, match))).status).toBe(200);
    await setFields(id, { message: "m" });
    expect((await progress.handle(requestFacts(`/${id}/status`, match))).status).toBe(200);
  });
});
