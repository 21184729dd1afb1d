import { MAX_CHANGE_BYTES } from "@emlinh/progress-protocol";
import { describe, expect, test } from "vitest";
import {
  appendWrite,
  type PendingWrite,
  trimLines,
} from "../../../src/core/reporter/pending-writes.js";

/** The name of a write that was sent and got no answer. */
const SENT = { token: "token", count: 1 };

const pendingWrite = (
  more: Partial<PendingWrite> & { fields?: string; lines?: readonly string[] },
): PendingWrite => ({
  change: {
    set: Object.fromEntries([...(more.fields ?? "")].map((field) => [field, more.upTo ?? 1])),
    log: (more.lines ?? []).map((text) => ({ at: 1, level: "info", text })),
  },
  bytes: 100,
  upTo: 1,
  isLast: false,
  ...more,
});

describe("appendWrite", () => {
  test("given a write that fits, merges it into the last one", () => {
    const queue = appendWrite(
      [pendingWrite({ fields: "ab", lines: ["1"] })],
      pendingWrite({ fields: "b", lines: ["2"], upTo: 2, isLast: true }),
    );
    expect(queue).toMatchObject([
      { bytes: 200, upTo: 2, isLast: true, change: { set: { a: 1, b: 2 } } },
    ]);
    expect(queue[0]?.change.log.map(({ text }) => text)).toEqual(["1", "2"]);
  });

  test("given a write that does not fit, removes its fields from earlier writes and drops empty ones", () => {
    const big = { bytes: MAX_CHANGE_BYTES };
    const queue = appendWrite(
      [pendingWrite({ fields: "a", ...big }), pendingWrite({ fields: "bc", ...big })],
      pendingWrite({ fields: "ab", upTo: 3, ...big }),
    );
    expect(queue.map(({ change }) => Object.keys(change.set))).toEqual([["c"], ["a", "b"]]);
  });

  test("given an uncertain write, neither merges with it nor changes it", () => {
    const uncertain = pendingWrite({ fields: "a", sentAs: SENT });
    const queue = appendWrite([uncertain], pendingWrite({ fields: "a", upTo: 2 }));
    expect(queue).toHaveLength(2);
    expect(queue[0]).toBe(uncertain);
  });
});

describe("trimLines", () => {
  const texts = (queue: readonly PendingWrite[]) =>
    queue.flatMap(({ change }) => change.log.map(({ text }) => text));
  const lost = (queue: readonly PendingWrite[]) => queue.map(({ change }) => change.lostLines ?? 0);

  test("given too many lines, drops the oldest and counts them; later losses add up", () => {
    const once = trimLines([pendingWrite({ lines: ["1", "2", "3", "4"] })], 3);
    expect([texts(once), lost(once)]).toEqual([["2", "3", "4"], [1]]);
    expect(trimLines(once, 3)).toEqual(once);
    const more = trimLines(appendWrite(once, pendingWrite({ lines: ["5", "6"] })), 3);
    expect([texts(more), lost(more)]).toEqual([["4", "5", "6"], [3]]);
  });

  test("given writes that lose all lines, counts them in the next write with lines, and drops empty writes", () => {
    const queue = trimLines(
      [
        pendingWrite({ lines: ["1", "2"] }),
        pendingWrite({ fields: "a", lines: ["3"] }),
        pendingWrite({ fields: "b" }),
        pendingWrite({ lines: ["4", "5"] }),
        pendingWrite({ lines: ["6"] }),
      ],
      2,
    );
    expect(texts(queue)).toEqual(["5", "6"]);
    expect(
      queue.map(({ change }) => [Object.keys(change.set).join(), change.lostLines ?? 0]),
    ).toEqual([
      ["a", 0],
      ["b", 0],
      ["", 4],
      ["", 0],
    ]);
  });

  test("given lines of an uncertain write, keeps them", () => {
    const queue = [
      pendingWrite({ lines: ["1", "2"], sentAs: SENT }),
      pendingWrite({ lines: ["3"] }),
    ];
    expect(trimLines(queue, 2)[0]).toBe(queue[0]);
  });
});
