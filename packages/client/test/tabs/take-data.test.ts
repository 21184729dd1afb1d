import { applyDelta, type Delta, emptyReplica } from "@emlinh/progress-protocol";
import { expect, test } from "vitest";
import type { Update } from "../../src/tabs/messages.js";
import { takeData } from "../../src/tabs/take-data.js";
import { testReceiver } from "../support/tabs/receiver.js";

const line = (n: number, version: number) =>
  ({ n, version, at: 1, level: "info", text: `line ${n}` }) as const;

const delta = (cursor: string, parts: Partial<Delta> = {}): Delta => ({
  ...{ cursor, reset: false, set: { percent: 5 }, log: [], done: false },
  ...parts,
});

const reset = { reset: true, log: [line(1, 1), line(2, 3)] };

/** A receiver that is at a version of an epoch, with a line of version 1. */
function receiverAt(cursor: string | undefined) {
  const receiver = testReceiver();
  if (cursor === undefined) return receiver;
  const replica = emptyReplica();
  applyDelta(replica, delta(cursor, { reset: true, set: { percent: 1 }, log: [line(1, 1)] }));
  receiver.replicas.set("a", replica);
  return receiver;
}

test.each<
  [
    string,
    string | undefined,
    Pick<Update["deltas"][number], "from" | "delta">,
    string | undefined,
    boolean,
  ]
>([
  [
    "no data: a change is missing",
    undefined,
    { from: "e.1", delta: delta("e.2") },
    undefined,
    true,
  ],
  [
    "no data: takes a reset",
    undefined,
    { from: undefined, delta: delta("e.2", reset) },
    "e.2",
    false,
  ],
  ["takes the next change", "e.1", { from: "e.1", delta: delta("e.2") }, "e.2", false],
  ["takes a change that begins earlier", "e.2", { from: "e.1", delta: delta("e.3") }, "e.3", false],
  ["knows a change", "e.2", { from: "e.1", delta: delta("e.2") }, "e.2", false],
  ["misses a change", "e.1", { from: "e.2", delta: delta("e.3") }, "e.1", true],
  [
    "is ahead of a leader that is new",
    "e.5",
    { from: undefined, delta: delta("e.3", reset) },
    "e.5",
    false,
  ],
  [
    "is behind a leader that is new",
    "e.2",
    { from: undefined, delta: delta("e.3", reset) },
    "e.3",
    false,
  ],
  [
    "goes back with a server that lost writes",
    "e.5",
    { from: "e.5", delta: delta("e.3", reset) },
    "e.3",
    false,
  ],
  [
    "follows a reset of the server",
    "d.9",
    { from: "d.9", delta: delta("e.1", reset) },
    "e.1",
    false,
  ],
  ["lacks another epoch", "d.9", { from: "e.1", delta: delta("e.2") }, "d.9", true],
])("a receiver that %s", (_, mine, update, cursor, isLacking) => {
  const receiver = receiverAt(mine);
  const targets = { jobs: ["a"], subjects: [], limit: 50 };
  const all = { deltas: [{ job: "a", ...update }], listed: [], refused: [], now: 1 };
  expect(takeData({ receiver, targets }, all as never as Update)).toBe(isLacking);
  expect(receiver.cursorOf("a")).toBe(cursor);
});

test("given a reset within the epoch, the lines that are kept stay, and each comes once", () => {
  const receiver = receiverAt("e.2");
  const targets = { jobs: ["a"], subjects: [], limit: 50 };
  // The leader has the second line only.
  const update = {
    job: "a",
    from: undefined,
    delta: delta("e.3", { reset: true, log: [line(2, 3)] }),
  };
  takeData({ receiver, targets }, { deltas: [update], listed: [], refused: [] } as never as Update);
  expect(receiver.replicas.get("a")?.log.map(({ n }) => n)).toEqual([1, 2]);
});
