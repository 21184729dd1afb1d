import type { Delta, Json, LogLine } from "@emlinh/progress-protocol";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type ReplicaView, replicaView } from "../src/core/connection/replica-view.js";

type Job = { readonly step: string; readonly metadata: object; readonly result: unknown };

function delta(cursor: string, set: Record<string, Json>, reset = false): Delta {
  return { cursor, reset, set, log: [], done: false };
}

const emptyView = (): ReplicaView<Job> => replicaView<Job>("a", 200);

/** The view after some deltas. The server's time is the `updatedAt` of each delta. */
function after(...deltas: readonly Delta[]): ReplicaView<Job> {
  const view = emptyView();
  for (const one of deltas) view.apply(one, Number(one.set.updatedAt ?? 0));
  return view;
}

const begin = (set: Record<string, Json> = {}): Delta =>
  delta("e.1", { status: "running", startedAt: 0, updatedAt: 0, attempt: 1, ...set }, true);

describe("the percent that is shown", () => {
  test("given a writer that lowers the percent, holds it; given another attempt, starts again", () => {
    const held = after(begin({ percent: 60 }), delta("e.2", { percent: 20 }));
    expect(held.job?.percent).toBe(60);
    const unknown = after(begin({ percent: 60 }), delta("e.2", { percent: null }));
    expect(unknown.job?.percent).toBe(60);
    const retried = after(begin({ percent: 60 }), delta("e.2", { percent: 5, attempt: 2 }));
    expect(retried.job?.percent).toBe(5);
  });

  test("given any writes of one attempt, never falls, and is 100 only when the job is completed", () => {
    const percents = fc.array(fc.option(fc.double({ min: 0, max: 100, noNaN: true })));
    fc.assert(
      fc.property(percents, (percents) => {
        let shown = 0;
        const view = after(begin());
        for (const [index, percent] of percents.entries()) {
          view.apply(delta(`e.${index + 2}`, { percent }), 0);
          expect(view.job?.percent ?? 0).toBeGreaterThanOrEqual(shown);
          shown = view.job?.percent ?? 0;
        }
        expect(shown).toBeLessThan(100);
        view.apply(delta("e.999", { status: "completed" }), 0);
        expect(view).toMatchObject({ job: { percent: 100 } });
      }),
    );
  });
});

describe("the ETA that is shown", () => {
  const at = (version: number, updatedAt: number, percent: number): Delta =>
    delta(`e.${version}`, { updatedAt, percent });

  test("given no reliable estimate, is null: below 3 %, in the first second, while the worker is silent", () => {
    expect(after(begin(), at(2, 10_000, 2)).job?.etaMs).toBeNull();
    expect(after(begin(), at(2, 500, 50)).job?.etaMs).toBeNull();
    const stale = after(begin(), at(2, 10_000, 50), delta("e.3", { stale: true }));
    expect(stale.job?.etaMs).toBeNull();
  });

  test("given the first estimate, shows it unchanged", () => {
    expect(after(begin(), at(2, 10_000, 50)).job?.etaMs).toBe(10_000);
  });

  /** When the job is shown to be finished, by the server's clock. */
  const finishAt = ({ job }: ReplicaView<Job>, now: number): number => now + (job?.etaMs ?? 0);

  test("given news that change the estimate, follows it slowly: nearly two thirds in five seconds", () => {
    const view = after(begin(), at(2, 10_000, 50));
    expect(finishAt(view, 10_000)).toBe(20_000);
    view.apply(at(3, 15_000, 50), 15_000);
    expect(finishAt(view, 15_000)).toBe(20_000);
    for (const now of [16_000, 19_000, 20_000]) view.deriveEta(now);
    expect(finishAt(view, 20_000)).toBeGreaterThan(20_000 + 6000);
    expect(finishAt(view, 20_000)).toBeLessThan(20_000 + 6667);
  });

  test("given a burst of updates, the estimate does not jitter with each of them", () => {
    const burst = after(begin(), at(2, 10_000, 50), at(3, 10_010, 60));
    expect(Math.abs(finishAt(burst, 10_010) - 20_000)).toBeLessThan(20);
  });
});

describe("a delta that can't be applied", () => {
  test.each([
    ["of another epoch", delta("f.2", { percent: 50 })],
    ["with a malformed cursor", delta("what", { percent: 50 }, true)],
    ["that is not a delta", undefined],
  ])("given one %s, asks for the whole state, and shows the old one", (_case, one) => {
    const view = after(begin({ percent: 1 }));
    const { job } = view;
    expect(view.cursor).toBe("e.1");
    expect(view.apply(one, 0)).toBe("unknown-epoch");
    expect(view.cursor).toBeUndefined();
    expect(view.job).toBe(job);
    expect(view.apply(begin({ percent: 2 }), 0)).toBe("reset");
    expect(view.cursor).toBe("e.1");
  });

  test("given one before any state, asks for the whole state", () => {
    const view = emptyView();
    expect(view.apply(delta("e.2", {}), 0)).toBe("unknown-epoch");
    expect(view.cursor).toBeUndefined();
    expect(view.job).toBeUndefined();
  });

  test("given one that is already known, changes nothing at all", () => {
    const view = after(begin({ percent: 1 }));
    const { job, cursor } = view;
    const events = [...view.events];
    expect(view.apply(delta("e.1", { percent: 50 }), 0)).toBe("known");
    expect(view.job).toBe(job);
    expect(view.cursor).toBe(cursor);
    expect(view.events).toEqual(events);
  });
});

describe("the events of a delta", () => {
  const line = (n: number, version: number) =>
    ({ n, version, at: 1, level: "info", text: `line ${n}` }) as const;
  const names = (view: ReplicaView<Job>): string[] =>
    view.events.splice(0).map(({ name, value }) => (name === "log" ? `log ${value.n}` : name));

  test("given a reset of the same epoch, delivers only the lines and steps that are new", () => {
    const steps = { "steps.a": { status: "running", percent: 1 } };
    const view = after({ ...begin(steps), log: [line(1, 1)] });
    expect(names(view)).toEqual(["log 1", "step", "progress"]);
    view.apply({ ...begin(steps), cursor: "e.2", log: [line(1, 1), line(2, 2)] }, 0);
    expect(names(view)).toEqual(["log 2", "progress"]);
  });

  test("given another epoch, delivers the reset first, and all lines and steps again", () => {
    const steps = { "steps.a": { status: "running", percent: 1 } };
    const view = after({ ...begin(steps), log: [line(1, 1)] });
    names(view);
    view.apply({ ...begin(steps), cursor: "f.1", log: [line(1, 1)] }, 0);
    expect(names(view)).toEqual(["reset", "log 1", "step", "progress"]);
  });
});

describe("the lines that are delivered", () => {
  const line = (n: number): LogLine => ({ n, version: n, at: 0, level: "info", text: `line ${n}` });
  const numbers = ({ events }: ReplicaView<Job>): readonly number[] =>
    events.flatMap((event) => (event.name === "log" ? [event.value.n] : []));

  test("given numbers that the writer left out, delivers each line once, and the gap stays", () => {
    const view = emptyView();
    view.apply({ ...begin(), log: [line(1)] }, 0);
    view.apply({ ...delta("e.2", {}), log: [line(5), line(6)] }, 0);
    // A reset repeats the lines that are kept, and may have another gap.
    view.apply({ ...begin(), cursor: "e.3", log: [line(5), line(6), line(9)] }, 0);
    expect(numbers(view)).toEqual([1, 5, 6, 9]);
    expect(view.replica.log.map(({ n }) => n)).toEqual([5, 6, 9]);
  });
});
