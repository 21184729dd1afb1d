import { closedSteps, type ProgressStore } from "@emlinh/progress-server";
import fc from "fast-check";
import { expect } from "vitest";

/** Texts that a store which edits JSON as text could take for structure. */
const text = fc.oneof(
  fc.string({ unit: "grapheme" }),
  fc.constantFrom(
    '"status":"running"',
    ',"status":"running",',
    '{"status":"running"}',
    '\\","status":"running","x":"',
    '"finishedAt":1,',
    "steps.a",
    "running",
    "\u0000\ud800",
    "\\",
    '\\"',
    "[[{",
    "}]",
  ),
);

const value = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    text,
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.constantFrom(null, true),
    fc.array(tie("value"), { maxLength: 3 }),
    tie("object"),
  ),
  object: fc.dictionary(
    fc.oneof(fc.constantFrom("status", "finishedAt", "startedAt"), text),
    fc.oneof(fc.constantFrom("running", "completed", 7), tie("value")),
    { maxKeys: 4 },
  ),
}));

/** A step: its own `status` and `finishedAt` stand anywhere among other members. */
const step = fc
  .tuple(
    value.object,
    fc.record(
      {
        status: fc.constantFrom("running", "running", "completed", "pending"),
        finishedAt: fc.constantFrom(1_700_000_000_000, null, 0.5),
      },
      { requiredKeys: ["status"] },
    ),
    value.object,
  )
  .map(([before, own, after]) => JSON.parse(JSON.stringify({ ...before, ...own, ...after })));

const sample = fc.record({
  status: fc.constantFrom("completed", "failed", "cancelled"),
  steps: fc.array(step, { minLength: 4, maxLength: 4 }),
});

/**
 * Checks that an end changes a job's steps exactly as the rule `closedSteps` does, for steps with nested objects,
 * with texts that look like JSON, and with a `finishedAt` of their own.
 */
export async function checkClosedSteps(store: ProgressStore): Promise<void> {
  for (const [at, { status, steps }] of fc.sample(sample, { numRuns: 150, seed: 47 }).entries()) {
    const id = `job-${at}`;
    const [a, b, c, d] = steps;
    const draft = { status: "running", attempt: 1, "steps.a": a, "steps.b": b };
    const created = await store.create({ id, set: draft });
    const before = { status, "steps.a": c, "steps.b": b, "steps.d": d, "metadata.e": a };
    const { "steps.b": _, ...set } = before;
    const { cursor } = await store.write(id, { set, log: [] });
    const delta = await store.read(id);
    const finishedAt = Number(delta?.set.updatedAt);
    expect(delta).toMatchObject({ cursor, done: true });
    expect(delta?.set).toEqual({
      attempt: 1,
      createdAt: delta?.set.createdAt,
      updatedAt: finishedAt,
      finishedAt,
      ...before,
      ...closedSteps(before, finishedAt),
    });
    // The closed steps have the version of the end.
    const times = { updatedAt: finishedAt, finishedAt };
    const changed = { ...set, ...closedSteps(before, finishedAt), ...times };
    expect((await store.read(id, created.cursor))?.set).toEqual(changed);
  }
}
