import { MAX_CHANGE_BYTES, MAX_JOB_BYTES, MAX_JOB_FIELDS } from "@emlinh/progress-protocol";
import { describe, expect, test } from "vitest";
import type { Reporter } from "../../../src/index.js";
import { makeContext, type TestContext, useFakeTime } from "../context.js";
import { openPlainJob, stateOf } from "./jobs.js";

useFakeTime();

const encoder = new TextEncoder();

/** The size of a stored job. */
async function sizeOf({ store }: TestContext, { id }: Reporter) {
  const fields = Object.entries((await store.read(id))?.set ?? {});
  const bytes = fields.map(([name, value]) => encoder.encode(name + JSON.stringify(value)).length);
  return { bytes: bytes.reduce((sum, each) => sum + each, 0), fields: fields.length };
}

/** Reports metadata of 100 KB each, until the job takes no more. */
async function fillWithBytes(reporter: Reporter, letter: string): Promise<void> {
  const text = letter.repeat(100_000 / encoder.encode(letter).length);
  for (let key = 0; key < 20; key += 1) {
    reporter.update({ metadata: { [`big${key}`]: text } });
    await reporter.flush();
  }
}

describe("a job at its bounds", () => {
  test.each(["x", "é", "語"])(
    "given metadata of %s without end, keeps at most 1 MiB",
    async (letter) => {
      const context = makeContext();
      const reporter = await openPlainJob(context);
      await fillWithBytes(reporter, letter);
      const { bytes } = await sizeOf(context, reporter);
      expect(bytes).toBeLessThanOrEqual(MAX_JOB_BYTES);
      expect(bytes).toBeGreaterThan(MAX_JOB_BYTES - 110_000);
      expect(context.errors.map(({ code }) => code)).toEqual(
        Array.from({ length: 10 }, () => "too-large"),
      );
      expect(context.errors[0]?.message).toMatch(/"metadata.big10".*1048576 bytes/);
    },
  );

  test("given metadata in the bounds of each worker, keeps at most 1 MiB for all of them", async () => {
    const context = makeContext();
    const first = await openPlainJob(context);
    await fillWithBytes(first, "語");
    await first.close();
    const second = await context.progress.open(first.id);
    second.update({ metadata: { more: "語".repeat(30_000) } });
    await second.flush();
    expect((await sizeOf(context, first)).bytes).toBeLessThanOrEqual(MAX_JOB_BYTES);
  });

  test("given keys and steps without end, keeps at most 1,000 fields", async () => {
    const context = makeContext();
    const reporter = await openPlainJob(context);
    for (let n = 0; n < 1_500; n += 1) {
      reporter.update({ metadata: { [`key${n}`]: n } });
      reporter.beginStep(`step${n}`).complete();
    }
    await reporter.flush();
    // A few fields are the store's own.
    expect((await sizeOf(context, reporter)).fields).toBeLessThanOrEqual(MAX_JOB_FIELDS + 5);
    expect(context.errors[0]).toMatchObject({ code: "too-large" });
    expect(context.errors.length).toBeLessThanOrEqual(100);
    reporter.update({ metadata: { key0: "changed" }, message: "m" });
    await reporter.flush();
    expect(await stateOf(context, reporter)).toMatchObject({ metadata: { key0: "changed" } });
  });

  test.each<[string, (job: Reporter) => Promise<unknown>, object]>([
    ["complete", (job) => job.complete("x".repeat(200_000)), { status: "completed" }],
    ["fail", (job) => job.fail({ code: "c", message: "m" }), { status: "failed" }],
    ["requeue", (job) => job.requeue({ message: "again" }), { status: "queued" }],
  ])("given a job that is full, %s ends it and closes its steps", async (_name, end, state) => {
    const context = makeContext();
    const reporter = await openPlainJob(context);
    // More running steps than one change may hold.
    for (let n = 0; n < 200; n += 1)
      reporter.beginStep(`step${n}`).update({ message: "m".repeat(4_000) });
    await reporter.flush();
    expect((await sizeOf(context, reporter)).bytes).toBeGreaterThan(2 * MAX_CHANGE_BYTES);
    await fillWithBytes(reporter, "x");
    await end(reporter);
    const stored = await stateOf(context, reporter);
    expect(stored).toMatchObject(state);
    const statuses = new Set(Object.values(stored.steps).map((step) => step?.status));
    expect([...statuses]).toEqual([stored.status === "completed" ? "completed" : "failed"]);
    const { cursor, ...asStored } = stored;
    expect(reporter.state.steps).toEqual(asStored.steps);
  });

  test("given a supervisor's update, refuses it beyond the bounds", async () => {
    const context = makeContext();
    const id = await context.createJob();
    for (let key = 0; key < 10; key += 1)
      await context.progress.update(id, { metadata: { [`k${key}`]: "x".repeat(100_000) } });
    const updating = context.progress.update(id, { metadata: { more: "x".repeat(100_000) } });
    await expect(updating).rejects.toMatchObject({
      code: "too-large",
      details: { maxBytes: MAX_JOB_BYTES },
    });
    await context.progress.update(id, { metadata: { k0: null } });
    await context.progress.update(id, { metadata: { more: "x".repeat(100_000) } });
  });
});

describe("the data of a line", () => {
  test("given more bytes than a line may take, keeps the line without them", async () => {
    const context = makeContext();
    const reporter = await openPlainJob(context);
    reporter.log("big", { data: "x".repeat(40_000) });
    reporter.log("\u0001".repeat(5_000));
    await reporter.flush();
    const lines = (await context.store.read(reporter.id))?.log ?? [];
    expect(lines.map(({ n, text }) => [n, text.length])).toEqual([
      [1, 3],
      [2, 4_096],
    ]);
    expect(lines[0]).not.toHaveProperty("data");
    expect(context.errors).toMatchObject([
      { code: "too-large", message: expect.stringContaining("log") },
    ]);
  });
});
