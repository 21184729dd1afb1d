import fc from "fast-check";
import { expect, test } from "vitest";
import { createProgress, memoryStore, type Progress } from "../../../src/index.js";
import { bodyOf, requestFacts } from "../requests.js";

const PLAN = ["one", "two", "three"];

/** Mostly right values, so that many reports are accepted, and some of any kind. */
function mostly<Value>(right: fc.Arbitrary<Value>): fc.Arbitrary<unknown> {
  return fc.oneof({ weight: 40, arbitrary: right }, { weight: 1, arbitrary: fc.jsonValue() });
}

const percent = fc.double({ min: 0, max: 120, noNaN: true });
const step = fc.record(
  {
    status: mostly(fc.constantFrom("running", "completed", "failed", "skipped")),
    percent: mostly(percent),
    done: mostly(fc.nat(10)),
    total: mostly(fc.nat(10)),
    unit: mostly(fc.string()),
    message: mostly(fc.string()),
  },
  { requiredKeys: [] },
);
const end = fc.record(
  {
    status: mostly(fc.constantFrom("completed", "failed", "cancelled")),
    error: mostly(fc.record({ code: fc.string(), message: fc.string() })),
    result: fc.jsonValue(),
  },
  { requiredKeys: ["status"] },
);
const report = fc.record(
  {
    open: mostly(
      fc.record({ attempt: fc.constant("next"), takeOver: fc.boolean() }, { requiredKeys: [] }),
    ),
    message: mostly(fc.string()),
    percent: mostly(percent),
    metadata: mostly(fc.dictionary(fc.constantFrom("a", "b"), fc.jsonValue())),
    steps: mostly(fc.dictionary(fc.constantFrom(...PLAN), step)),
    log: mostly(fc.array(fc.record({ text: fc.string() }), { maxLength: 3 })),
    lostLines: mostly(fc.nat(5)),
    leaseMs: mostly(fc.integer({ min: 5_000, max: 600_000 })),
    requeue: fc.oneof(fc.constant(true), fc.jsonValue()),
    end: mostly(end),
  },
  { requiredKeys: [] },
);
/** Mostly reports that a server accepts, and some with any members. */
function callsFor(plan: readonly string[]) {
  const common = report.map((members) => {
    const { end: _end, requeue: _requeue, open: _open, lostLines: _lost, ...rest } = members;
    return { ...rest, ...(plan.length > 0 && { percent: undefined }) };
  });
  const call = fc.record({
    worker: fc.constantFrom(0, 1),
    isRepeat: fc.boolean(),
    body: fc.oneof({ weight: 8, arbitrary: common }, { weight: 1, arbitrary: report }),
  });
  return fc.array(call, { minLength: 5, maxLength: 40 });
}

/** The hold of the nth opening, before its first report. */
function holdOf(opening: number) {
  return { token: String(opening).padStart(16, "t"), count: 0 };
}

async function send(progress: Progress, id: string, body: unknown) {
  const facts = requestFacts(
    `/${id}/updates`,
    { "content-type": "application/json" },
    { method: "POST", body: async () => JSON.stringify(body) },
  );
  const answer = await progress.handle(facts);
  return { http: answer.status, body: bodyOf(answer) as Readonly<Record<string, unknown>> };
}

test.each([[PLAN], [[]]])(
  "given random reports of two workers for the plan %j, none is an internal error, and P13 and P47 hold",
  async (plan) => {
    let accepted = 0;
    await fc.assert(
      fc.asyncProperty(callsFor(plan), async (calls) => {
        const store = memoryStore();
        const authorize = () => true;
        const progress = createProgress({ store, authorize, sweepIntervalMs: false, onError() {} });
        const { id } = await progress.create({ kind: "test", plan });
        const holds = [holdOf(0), holdOf(0)];
        let openings = 0;
        let before = await progress.status(id);
        for (const { worker, isRepeat, body } of calls) {
          let { token, count } = holds[worker] ?? holdOf(0);
          const opens = "open" in body || count === 0;
          if (opens) {
            openings += 1;
            ({ token, count } = holdOf(openings));
          }
          const hold = { token, count: isRepeat && count > 0 ? count : count + 1 };
          holds[worker] = hold;
          const answer = await send(progress, id, {
            ...(opens && { open: {} }),
            ...body,
            hold,
          });
          if (answer.http === 200) accepted += 1;
          expect([200, 400, 409], JSON.stringify(answer)).toContain(answer.http);
          const after = await progress.status(id);
          if (after === undefined || before === undefined) throw new Error("The job is gone.");
          if (after.attempt === before.attempt) {
            expect(after.percent ?? 0).toBeGreaterThanOrEqual(before.percent ?? 0);
            for (const [name, step] of Object.entries(before.steps))
              if (step?.status === "completed" || step?.status === "skipped")
                expect(after.steps[name]).toEqual(step);
          }
          if (after.status !== "running")
            for (const step of Object.values(after.steps)) expect(step?.status).not.toBe("running");
          before = after;
        }
        await progress.close();
        await store.close();
      }),
      { numRuns: 60 },
    );
    expect(accepted).toBeGreaterThan(100);
  },
);
