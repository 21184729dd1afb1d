import { describe, expect, test } from "vitest";
import { makeContext, useFakeTime } from "../context.js";
import { requestFacts } from "../requests.js";

useFakeTime();

describe("the type of an answer", () => {
  test.each([
    [undefined, "json"],
    ["", "json"],
    [" , ,", "json"],
    ["*/*", "json"],
    ["application/json", "json"],
    ["application/*;q=0.5", "json"],
    ["text/html, */*;q=0.1", "json"],
    ["text/event-stream", "stream"],
    ["TEXT/Event-Stream; charset=utf-8", "stream"],
    ["application/json, text/event-stream", "stream"],
    ["text/event-stream;q=0, application/json", "json"],
    ["text/html", "406"],
    ["application/json;q=0", "406"],
    // A range of types is a request for the only one of them that exists.
    ["text/*", "stream"],
    ["text/*, */*", "stream"],
    ["text/*;q=0.5, */*", "json"],
    ["text/*, application/*", "json"],
    // The higher weight wins, in any order.
    ["text/event-stream;q=0.5, application/json", "json"],
    ["application/json;q=0.2, text/event-stream;q=0.3", "stream"],
    ["application/json;q=0.002, text/event-stream;q=0.001", "json"],
    // The most specific range gives a type its weight.
    ["text/event-stream;q=0, text/*, */*", "json"],
    ["text/event-stream;q=0.1, text/*, application/json;q=0.2", "json"],
    ["*/*, application/json;q=0", "stream"],
    ["*/*;q=0", "406"],
    ["text/*;q=0, */*;q=0.1", "json"],
    ["text/event-stream;q=0, text/event-stream;q=1", "stream"],
    // Parameters, white space, quoted strings and malformed weights.
    ["text/event-stream ; Q=0.000", "406"],
    ['text/event-stream;a="x,y;q=1";q=0', "406"],
    ['text/event-stream;a="x\\",;q=0";q=1', "stream"],
    ['text/event-stream;a="open', "stream"],
    ["text/event-stream;q=2", "stream"],
    ["text/event-stream;q=", "stream"],
    ["text/event-stream;q=-1, */*;q=0", "stream"],
    ["/", "406"],
    [";q=1", "406"],
    ["toString, __proto__, constructor", "406"],
  ])("given Accept: %s, is %s", async (accept, expected) => {
    const { progress, createJob } = makeContext();
    const answer = await progress.handle(
      requestFacts(`/${await createJob()}`, accept === undefined ? {} : { accept }),
    );
    const kind =
      answer.kind === "stream" ? "stream" : answer.status === 200 ? "json" : `${answer.status}`;
    expect(kind).toBe(expected);
  });

  test.each([`${'"'.repeat(60_000)}`, `${'a;"\\'.repeat(20_000)}`, `${";,".repeat(30_000)}`])(
    "given a header of 60,000 characters, answers within a second",
    async (accept) => {
      const { progress, createJob } = makeContext();
      const id = await createJob();
      const begun = process.hrtime.bigint();
      await progress.handle(requestFacts(`/${id}`, { accept }));
      expect(Number(process.hrtime.bigint() - begun)).toBeLessThan(1e9);
    },
  );
});
