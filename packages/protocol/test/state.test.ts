import { type Json, replicaFields, stateOf } from "@emlinh/progress-protocol";
import fc from "fast-check";
import { expect, test } from "vitest";
import { history } from "./support/arbitraries.js";
import { storedJob, write } from "./support/stored-job.js";

test("given the same fields in another order, the state is the same, and no value makes it throw", () => {
  fc.assert(
    fc.property(history, fc.nat(), (changes, now) => {
      const fields = replicaFields(storedJob(changes));
      const reversed = Object.fromEntries(Object.entries(fields).reverse());
      expect(stateOf("j", reversed, now)).toEqual(stateOf("j", fields, now));
    }),
  );
});

test.each<Json>([{ toString: false }, { valueOf: 1 }, [[]], "50", true])(
  "given a percent that is %j, the state has none, and nothing throws",
  (percent) => {
    const running = { status: "running", startedAt: 1, updatedAt: 5_000 };
    expect(stateOf("j", { ...running, percent }, 6_000)).toMatchObject({
      percent: null,
      etaMs: null,
    });
    const plan = [{ id: "a", title: "A", weight: 1, expectedMs: 1_000, spread: 2 }];
    const step = { status: "running", percent, startedAt: 1 };
    const state = stateOf("j", { ...running, plan, "steps.a": step }, 6_000);
    expect(state.percent).toBe(0);
  },
);

test("given steps that only go forward, the percent never falls, and is 100 only at the end", () => {
  const stepIds = ["a", "b", "c"];
  const move = fc.record({
    step: fc.constantFrom(...stepIds),
    by: fc.double({ min: 0, max: 60, noNaN: true }),
    finish: fc.boolean(),
  });
  const weights = fc.array(fc.double({ min: 0.01, max: 50, noNaN: true }), {
    minLength: 3,
    maxLength: 3,
  });
  fc.assert(
    fc.property(weights, fc.array(move, { maxLength: 30 }), (weight, moves) => {
      const plan = stepIds.map((id, index) => ({ id, title: id, weight: weight[index] ?? 1 }));
      const job = storedJob([{ set: { status: "running", plan }, log: [] }]);
      const percents = new Map<string, number>();
      let shown = 0;
      for (const { step, by, finish } of moves) {
        const percent = finish ? 100 : Math.min(100, (percents.get(step) ?? 0) + by);
        percents.set(step, percent);
        const status = percent === 100 ? "completed" : "running";
        write(job, { set: { [`steps.${step}`]: { status, percent } }, log: [] });
        const next = stateOf("j", replicaFields(job), 0).percent ?? -1;
        expect(next).toBeGreaterThanOrEqual(shown);
        expect(next).toBeLessThan(100);
        shown = next;
      }
      write(job, { set: { status: "completed" }, log: [] });
      expect(stateOf("j", replicaFields(job), 0).percent).toBe(100);
      expect(job.done).toBe(true);
    }),
  );
});
