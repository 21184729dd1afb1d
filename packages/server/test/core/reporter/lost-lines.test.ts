import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { memoryStore, type ProgressOptions, type Reporter } from "../../../src/index.js";
import { advance, makeContext, type TestContext, useFakeTime } from "../context.js";
import { faultyStore } from "../faulty-store.js";
import { flushAcrossBackoff, openPlainJob } from "./jobs.js";

useFakeTime();

const keeping = (maxLogLines: number, options: Partial<ProgressOptions> = {}): TestContext =>
  makeContext(options, faultyStore(memoryStore({ maxLogLines })));

async function linesOf({ store }: TestContext, { id }: Reporter) {
  return (await store.read(id))?.log.map(({ n, text }) => ({ n, text })) ?? [];
}

describe("500 lines in one tick", () => {
  test("given a store that is well, numbers all of them and keeps the newest 200", async () => {
    const context = makeContext();
    const reporter = await openPlainJob(context);
    for (let line = 1; line <= 500; line += 1) reporter.log(`line ${line}`);
    await reporter.flush();
    expect(await linesOf(context, reporter)).toEqual(
      Array.from({ length: 200 }, (_, index) => ({ n: index + 301, text: `line ${index + 301}` })),
    );
    expect(context.errors).toEqual([]);
  });

  test("given lines of many bytes, numbers all of them", async () => {
    const context = makeContext();
    const reporter = await openPlainJob(context);
    for (let line = 1; line <= 500; line += 1) reporter.log(`${line} ${"x".repeat(4_000)}`);
    await reporter.flush();
    const lines = await linesOf(context, reporter);
    expect(lines.map(({ n }) => n)).toEqual(Array.from({ length: 200 }, (_, index) => index + 301));
    expect(lines.every(({ n, text }) => text.startsWith(`${n} `))).toBe(true);
  });
});

describe("an outage", () => {
  test.each([
    ["is refused", (context: TestContext) => context.store.fail("write")],
    ["gets no answer", (context: TestContext) => context.store.loseReplies("write")],
  ])(
    "given more lines than are kept while each write %s, the gap in n is the number of lost lines",
    async (_how, breakStore) => {
      const context = keeping(10);
      const reporter = await openPlainJob(context);
      reporter.log("line 1");
      await reporter.flush();
      breakStore(context);
      for (let line = 2; line <= 50; line += 1) {
        reporter.log(`line ${line}`);
        await advance(100);
      }
      context.store.recover();
      await flushAcrossBackoff(reporter);
      reporter.log("line 51");
      await flushAcrossBackoff(reporter);
      expect(await linesOf(context, reporter)).toEqual(
        Array.from({ length: 10 }, (_, index) => ({ n: index + 42, text: `line ${index + 42}` })),
      );
    },
  );

  test("given a store that refuses a write with lines, the next line counts them", async () => {
    const context = keeping(10);
    const reporter = await openPlainJob(context);
    const { write } = context.store;
    context.store.write = (id, change) =>
      change.log.some(({ text }) => text === "refused")
        ? Promise.reject(Object.assign(new Error(), refusal()))
        : write(id, change);
    reporter.log("line 1");
    await reporter.flush();
    reporter.log("refused");
    await reporter.flush();
    reporter.log("line 3");
    await reporter.flush();
    expect(await linesOf(context, reporter)).toEqual([
      { n: 1, text: "line 1" },
      { n: 3, text: "line 3" },
    ]);
  });
});

function refusal() {
  return { code: "too-large", details: {}, [Symbol.for("@emlinh/progress.error")]: true };
}

type Command = { readonly do: "log" | "advance" | "fail" | "lose" | "recover"; readonly n: number };

test("given any outages, kept lines and gaps add up to the lines that were logged, in order", async () => {
  const kinds = fc.constantFrom("log" as const, "advance" as const);
  const outages = fc.constantFrom("fail" as const, "lose" as const, "recover" as const);
  const command: fc.Arbitrary<Command> = fc.oneof(
    { weight: 3, arbitrary: fc.record({ do: kinds, n: fc.nat(30) }) },
    { weight: 1, arbitrary: fc.record({ do: outages, n: fc.constant(0) }) },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(command, { maxLength: 40 }), async (commands) => {
      const context = keeping(8);
      const reporter = await openPlainJob(context);
      const seen = new Map<number, string>();
      await context.progress.watch(reporter.id, (_state, log) => {
        for (const { n, text } of log) {
          expect(seen.get(n) ?? text).toBe(text);
          seen.set(n, text);
        }
      });
      let logged = 0;
      for (const { do: kind, n } of commands) {
        if (kind === "advance") await advance(n * 50);
        else if (kind === "fail") context.store.fail("write");
        else if (kind === "lose") context.store.loseReplies("write");
        else if (kind === "recover") context.store.recover();
        else for (let line = 0; line < n; line += 1) reporter.log(`line ${++logged}`);
      }
      context.store.recover();
      await flushAcrossBackoff(reporter);
      const lines = await linesOf(context, reporter);
      // Each line has the number of its call, so the gaps are exactly the lines that were lost.
      for (const { n, text } of [...lines, ...[...seen].map(([n, text]) => ({ n, text }))])
        expect(text).toBe(`line ${n}`);
      expect(lines.at(-1)?.n ?? 0).toBe(logged);
      expect(lines).toHaveLength(Math.min(8, logged));
      await context.progress.close();
    }),
    { numRuns: 100 },
  );
}, 60_000);
