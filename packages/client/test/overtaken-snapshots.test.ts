import type { ServerResponse } from "node:http";
import type { JobWatch } from "@emlinh/progress-client";
import { helloFrame, jobDeltaFrame, readyFrame } from "@emlinh/progress-protocol";
import { describe, expect, test } from "vitest";
import { isOvertaken } from "../src/core/connection/overtaken.js";
import { managerFixture } from "./support/manager-fixture.js";
import { until } from "./support/until.js";

const fixture = managerFixture();

/** The changes of a job after a cursor as the frame of a stream; without one, the whole state. */
const frameOf = (job: string, after?: string): string =>
  jobDeltaFrame(job, fixture.server.read(job, after));

/** Begins the answer of a stream. */
function begin(response: ServerResponse): void {
  response.writeHead(200, { "content-type": "text/event-stream" });
  response.write(helloFrame({ protocol: 1, heartbeatMs: 15_000, now: 0 }, 1));
}

function watchMessages(watch: JobWatch): string[] {
  const messages: string[] = [];
  watch.subscribe(({ job }) => {
    const message = job?.message ?? "";
    if (message !== (messages.at(-1) ?? "")) messages.push(message);
  });
  return messages;
}

/** Two streams for the job "a", which has the message "one". Both asked for it without a cursor. */
async function twoStreams() {
  const { server } = fixture;
  server.create("a", { message: "one" });
  server.create("b", { message: "one" });
  server.intercept = ({ accept }) => accept === "stream";
  const videos = fixture.make();
  const a = videos.watch("a");
  const messages = watchMessages(a);
  const { response: older } = await server.request(1);
  const b = videos.watch("b");
  b.subscribe(() => {});
  const { response: newer, url } = await server.request(2);
  expect(url.searchParams.getAll("job")).toEqual(["a", "b"]);
  begin(older);
  begin(newer);
  return { a, b, messages, older, newer };
}

const says = (watch: JobWatch, message: string) =>
  until(watch, ({ job }) => job?.message === message);

describe("a snapshot that arrives late", () => {
  test("given a later state from the stream that is being replaced, is dropped, what follows is taken", async () => {
    const { a, b, messages, older, newer } = await twoStreams();
    const snapshot = frameOf("a");
    fixture.server.write("a", { message: "two" });
    older.write(snapshot + frameOf("a", "epoch1.1"));
    await says(a, "two");
    newer.write(snapshot + frameOf("b"));
    await says(b, "one");
    newer.write(frameOf("a", "epoch1.1") + readyFrame(0));
    fixture.server.write("a", { message: "three" });
    newer.write(frameOf("a", "epoch1.2"));
    await says(a, "three");
    expect(messages).toEqual(["one", "two", "three"]);
  });

  test("given a stream that has brought a later state itself, is taken: the server has lost a write", async () => {
    const { a, messages, older } = await twoStreams();
    const snapshot = frameOf("a");
    fixture.server.write("a", { message: "two" });
    older.write(frameOf("a"));
    await says(a, "two");
    older.write(snapshot);
    await says(a, "one");
    expect(messages).toEqual(["two", "one"]);
  });
});

describe("isOvertaken", () => {
  const reset = { cursor: "e.3", reset: true, set: {}, log: [], done: false };

  test.each([
    ["no state", undefined, undefined, false],
    ["an earlier state", "e.2", undefined, false],
    ["the same state", "e.3", undefined, false],
    ["a state of another epoch", "f.4", undefined, false],
    ["a later state, and a request without a cursor", "e.4", undefined, true],
    ["a later state, and a request with an earlier cursor", "e.4", "e.2", true],
    ["a later state, and a request with the same cursor", "e.4", "e.3", true],
    ["a later state, and a request with a cursor of another epoch", "e.4", "f.9", true],
    ["a later state, and a request with a later cursor", "e.5", "e.4", false],
  ])("given %s, returns %4$s", (_what, mine, told, expected) => {
    expect(isOvertaken(reset, mine, told)).toBe(expected);
    expect(isOvertaken({ ...reset, reset: false }, mine, told)).toBe(false);
  });
});
