import type { ProgressStore } from "../../core/store.js";
import { assertEqual, assertRejects, assertTrue } from "../assert.js";
import type { CaseGroup, Need, StoreCase } from "../case.js";
import type { TestContext } from "../context.js";
import {
  change,
  completion,
  createLeasedJob,
  draft,
  LONG_MS,
  lastWriteAt,
  line,
  NOTHING_SWEPT,
  range,
  readFields,
  readJob,
  SLACK_MS,
  versionOf,
  writeJob,
} from "../fixtures.js";
import { sweptJobs } from "./sweep.js";

const HOUR_MS = 3_600_000;

/** Opens two instances whose processes have clocks an hour apart. That is longer than any lease of the tests. */
function withSkewedClocks(
  name: string,
  needs: readonly Need[],
  run: (behind: ProgressStore, ahead: ProgressStore, context: TestContext) => Promise<void>,
): StoreCase {
  return {
    name,
    needs: ["shared", ...needs],
    async run(context) {
      await run(await context.open(), await context.open({ skewMs: HOUR_MS }), context);
    },
  };
}

export const SKEW: CaseGroup = {
  group: "skew",
  cases: [
    withSkewedClocks(
      "given clocks an hour apart, orders writes by version, not by time",
      [],
      async (behind, ahead) => {
        const { cursor } = await ahead.create(draft("a"));
        for (const by of range(6)) {
          const [writer, reader] = by % 2 === 0 ? [behind, ahead] : [ahead, behind];
          const written = await writeJob(
            writer,
            "a",
            change({ percent: by }, { log: [line(`${by}`)] }),
          );
          assertEqual(versionOf(written), by + 2, "the version of a write");
          const { set, log } = await readJob(reader, "a", cursor);
          assertEqual(
            [set.percent, log.at(-1)?.n, log.at(-1)?.text],
            [by, by + 1, `${by}`],
            "the last write, read in the other process",
          );
        }
        assertEqual(
          (await readJob(behind, "a")).log.map(({ text }) => text),
          range(6).map(String),
          "the order of the lines",
        );
      },
    ),
    withSkewedClocks("given clocks an hour apart, accepts one end", [], async (behind, ahead) => {
      for (const [id, first, second] of [
        ["a", ahead, behind],
        ["b", behind, ahead],
      ] as const) {
        await second.create(draft(id));
        await first.write(id, completion(1));
        await assertRejects(second.write(id, completion(2)), "job-finished", "A second end");
        assertEqual((await readFields(second, id)).result, 1, "the stored end");
      }
    }),
    withSkewedClocks(
      "given a backend's clock, sets every time by it, whichever process writes",
      ["backend clock"],
      async (behind, ahead) => {
        await ahead.create(draft("a"));
        const times = [await lastWriteAt(ahead, "a")];
        for (const store of [behind, ahead, behind]) {
          await store.write("a", change({ message: "one" }));
          times.push(await lastWriteAt(ahead, "a"));
        }
        const spanMs = Math.max(...times) - Math.min(...times);
        assertTrue(spanMs < SLACK_MS, `updatedAt differs by ${spanMs} ms between two processes.`);
      },
    ),
    withSkewedClocks(
      "given a backend's clock, returns its time from writes and reads, in whichever process",
      ["backend clock"],
      async (behind, ahead) => {
        await ahead.create(draft("a"));
        for (const store of [behind, ahead]) {
          const { now: written } = await store.write("a", change({ message: "one" }));
          const since = await lastWriteAt(ahead, "a");
          for (const now of [written, (await store.read("a"))?.now ?? Number.NaN])
            assertTrue(
              Math.abs(now - since) < SLACK_MS,
              `now differs from updatedAt by ${now - since} ms.`,
            );
        }
      },
    ),
    withSkewedClocks(
      "given a backend's clock, sets finishedAt by it, whichever process ends the job",
      ["backend clock"],
      async (behind, ahead) => {
        for (const [id, first, second] of [
          ["a", ahead, behind],
          ["b", behind, ahead],
        ] as const) {
          await first.create(draft(id));
          await second.write(id, change({ status: "failed", finishedAt: 5 }));
          const { createdAt, finishedAt } = await readFields(behind, id);
          const tookMs = Number(finishedAt) - Number(createdAt);
          assertTrue(
            tookMs >= 0 && tookMs < SLACK_MS,
            `finishedAt is ${tookMs} ms after createdAt.`,
          );
        }
      },
    ),
    withSkewedClocks(
      "given a backend's clock, a sweep ends jobs by that clock, in whichever process it runs",
      ["backend clock"],
      async (behind, ahead, { eventually }) => {
        await createLeasedJob(behind, "leased-behind", { deadlineMs: LONG_MS });
        const since = await createLeasedJob(ahead, "leased-ahead", { deadlineMs: LONG_MS });
        for (const store of [behind, ahead])
          assertEqual(await store.sweep(undefined, 10), NOTHING_SWEPT, "the sweep's report");
        await ahead.create(draft("late", { deadlineMs: 1 }));
        await eventually(
          "The process whose clock is behind has ended the job that is due",
          async () => {
            return (await behind.sweep(undefined, 10)).timedOut === 1;
          },
        );
        assertEqual(
          (await ahead.sweep(since + LONG_MS + SLACK_MS, 10)).timedOut,
          2,
          "timed-out jobs",
        );
      },
    ),
    withSkewedClocks(
      "given clocks of two processes, a sweep does not change a job that was just leased",
      ["injected clock"],
      async (behind, ahead, { clock }) => {
        await createLeasedJob(ahead, "ahead");
        for (const store of [ahead, behind])
          assertEqual(await store.sweep(undefined, 10), NOTHING_SWEPT, "the sweep's report");
        clock.advance(HOUR_MS + LONG_MS);
        assertEqual(
          (await behind.sweep(undefined, 10)).stale,
          1,
          "jobs marked by the process that is behind",
        );
        assertEqual(
          await ahead.sweep(undefined, 10),
          { ...NOTHING_SWEPT, lost: 1 },
          "the report of the process that is ahead",
        );
      },
    ),
    withSkewedClocks(
      "given clocks of two processes, concurrent sweeps change a job once",
      ["injected clock"],
      async (behind, ahead) => {
        await createLeasedJob(behind, "a");
        const before = versionOf((await readJob(behind, "a")).cursor);
        const reports = await Promise.all(
          [behind, ahead, ahead].map((store) => store.sweep(undefined, 10)),
        );
        assertEqual(
          reports.reduce((sum, report) => sum + sweptJobs(report), 0),
          1,
          "jobs in all reports",
        );
        assertEqual(versionOf((await readJob(behind, "a")).cursor), before + 1, "the version");
      },
    ),
  ],
};
