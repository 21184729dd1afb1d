import { type Delta, parseCursor } from "@emlinh/progress-protocol";
import { expect, test } from "vitest";
import type { SharedDelta, Update } from "../../src/tabs/messages.js";
import { type Reader, updateReader } from "../../src/tabs/reader.js";
import { testReceiver } from "../support/tabs/receiver.js";

/** The delta to a version of an epoch, after the version before it; a reset for version 1. */
function deltaTo(cursor: string): SharedDelta {
  const { epoch = "", version = 0 } = parseCursor(cursor) ?? {};
  const isFirst = version === 1;
  const delta: Delta = { cursor, reset: isFirst, set: { percent: version }, log: [], done: false };
  return { job: "a", from: isFirst ? undefined : `${epoch}.${version - 1}`, delta };
}

/** An update of the leader of a term for all pages. */
function updateOf(since: number, parts: Partial<Update> = {}): Update {
  return {
    ...{ kind: "update", term: { since, id: `leader ${since}` }, to: undefined },
    ...{ listed: [], deltas: [], refused: [], ready: 0, now: 1 },
    connection: { status: "live", attempt: 0, transport: "stream" },
    ...parts,
  };
}

function readerOf(...cursors: string[]): { reader: Reader; cursor(): string | undefined } {
  const receiver = testReceiver();
  const reader = updateReader(receiver);
  reader.targets = { jobs: ["a"], subjects: [], limit: 50 };
  reader.take(updateOf(1, { deltas: cursors.map(deltaTo), ready: 1 }), "me");
  return { reader, cursor: () => receiver.cursorOf("a") };
}

test("given the last change of a leader after the first message of the next one, takes it", () => {
  const { reader, cursor } = readerOf("epoch1.1");
  reader.take(updateOf(2), "me");
  expect(reader.take(updateOf(1, { deltas: [deltaTo("epoch1.2")] }), "me")).toBe("old");
  expect(cursor()).toBe("epoch1.2");
});

test("given the state of a leader after the first message of the next one, takes it if it has none", () => {
  const { reader, cursor } = readerOf();
  reader.take(updateOf(2), "me");
  reader.take(updateOf(1, { deltas: [deltaTo("epoch1.1")] }), "me");
  expect(cursor()).toBe("epoch1.1");
});

test.each([
  ["another epoch", deltaTo("epoch2.1"), 0],
  ["a change that does not continue the state", deltaTo("epoch1.3"), 0],
  ["a change after the next leader brought everything", deltaTo("epoch1.2"), 1],
])("given %s of an earlier leader, takes nothing", (_, delta, ready) => {
  const { reader, cursor } = readerOf("epoch1.1");
  reader.take(updateOf(2, { ready, to: { id: "me", count: reader.ask("me", false).count } }), "me");
  reader.take(updateOf(1, { deltas: [delta] }), "me");
  expect(cursor()).toBe("epoch1.1");
});

test("given an answer of an earlier leader to another page, takes nothing", () => {
  const { reader, cursor } = readerOf("epoch1.1");
  reader.take(updateOf(2), "me");
  const to = { id: "another", count: 1 };
  reader.take(updateOf(1, { to, deltas: [deltaTo("epoch1.2")] }), "me");
  expect(cursor()).toBe("epoch1.1");
});
