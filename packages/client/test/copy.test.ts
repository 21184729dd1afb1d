import type { Delta, Json } from "@emlinh/progress-protocol";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Copy, follow } from "../src/core/copy.js";

type Job = { readonly step: string; readonly metadata: object; readonly result: unknown };
const OPTIONS = { maxLogLines: 200 };

function delta(cursor: string, set: Record<string, Json>, reset = false): Delta {
  return { cursor, reset, set, log: [] };
}

/** The copy after some deltas; the server's time goes along with `updatedAt`. */
function after(...deltas: readonly Delta[]): Copy<Job> {
  let copy: Copy<Job> | undefined;
  for (const one of deltas) {
    const now = Number(one.set.updatedAt ?? 0);
    copy = follow("a", copy, one, { ...OPTIONS, now }) ?? copy;
  }
  if (copy === undefined) throw new Error("The first delta must be a reset.");
  return copy;
}

const begin = (set: Record<string, Json> = {}): Delta =>
  delta("e.1", { status: "running", startedAt: 0, updatedAt: 0, attempt: 1, ...set }, true);

describe("the percent that is shown", () => {
  test("given a writer that goes back, holds; given another attempt, starts again", () => {
    const held = after(begin({ percent: 60 }), delta("e.2", { percent: 20 }));
    expect(held.job.percent).toBe(60);
    const unknown = after(begin({ percent: 60 }), delta("e.2", { percent: null }));
    expect(unknown.job.percent).toBe(60);
    const retried = after(begin({ percent: 60 }), delta("e.2", { percent: 5, attempt: 2 }));
    expect(retried.job.percent).toBe(5);
  });

  test("given any writes of one attempt, never falls, and is 100 only when completed", () => {
    const percents = fc.array(fc.option(fc.double({ min: 0, max: 100, noNaN: true })));
    fc.assert(
      fc.property(percents, (percents) => {
        let shown = 0;
        let copy = after(begin());
        for (const [index, percent] of percents.entries()) {
          const next = follow("a", copy, delta(`e.${index + 2}`, { percent }), {
            ...OPTIONS,
            now: 0,
          });
          copy = next ?? copy;
          expect(copy.job.percent ?? 0).toBeGreaterThanOrEqual(shown);
          shown = copy.job.percent ?? 0;
        }
        expect(shown).toBeLessThan(100);
        expect(
          follow("a", copy, delta("e.999", { status: "completed" }), { ...OPTIONS, now: 0 }),
        ).toMatchObject({ job: { percent: 100 } });
      }),
    );
  });
});

describe("the ETA that is shown", () => {
  const at = (version: number, updatedAt: number, percent: number): Delta =>
    delta(`e.${version}`, { updatedAt, percent });

  test("given guesswork, is hidden: before 3 %, in the first second, while the worker is silent", () => {
    expect(after(begin(), at(2, 10_000, 2)).job.etaMs).toBeNull();
    expect(after(begin(), at(2, 500, 50)).job.etaMs).toBeNull();
    const stale = after(begin(), at(2, 10_000, 50), delta("e.3", { stale: true }));
    expect(stale.job.etaMs).toBeNull();
  });

  test("given the first estimate, shows it as it is", () => {
    expect(after(begin(), at(2, 10_000, 50)).job.etaMs).toBe(10_000);
  });

  test("given a jump of the estimate, follows it slowly: nearly two thirds in five seconds", () => {
    const steady = after(begin(), at(2, 10_000, 50));
    expect(steady.finishAt).toBe(20_000);
    const jumped = after(begin(), at(2, 10_000, 50), at(3, 15_000, 50));
    expect(jumped.finishAt).toBeGreaterThan(20_000 + 6000);
    expect(jumped.finishAt).toBeLessThan(30_000);
  });

  test("given a burst of updates, the estimate doesn't jitter with each", () => {
    const burst = after(begin(), at(2, 10_000, 50), at(3, 10_010, 60));
    expect(Math.abs((burst.finishAt ?? 0) - 20_000)).toBeLessThan(20);
  });
});

describe("a delta that can't be placed", () => {
  const copy = after(begin({ percent: 1 }));

  test.each([
    ["of another epoch", delta("f.2", { percent: 50 })],
    ["with a cursor that is none", delta("what", { percent: 50 }, true)],
  ])("given one %s, asks for the whole state", (_what, one) => {
    expect(follow("a", copy, one, { ...OPTIONS, now: 0 })).toBeUndefined();
  });

  test("given one before any state, asks for the whole state", () => {
    const none: Copy<Job> | undefined = undefined;
    expect(follow("a", none, delta("e.2", {}), { ...OPTIONS, now: 0 })).toBeUndefined();
  });

  test("given old news, changes nothing at all", () => {
    expect(follow("a", copy, delta("e.1", { percent: 50 }), { ...OPTIONS, now: 0 })).toBe(copy);
  });
});
