import type { ProgressStore } from "../../core/store.js";
import { holds, refused, same } from "../assert.js";
import type { Bench } from "../bench.js";
import type { CaseGroup, Need, StoreCase } from "../case.js";
import {
  change,
  completion,
  draft,
  fieldsIn,
  LONG_MS,
  leasedJob,
  line,
  NOTHING_SWEPT,
  readJob,
  SLACK_MS,
  upTo,
  versionOf,
  writtenAt,
} from "../given.js";
import { swept } from "./sweep.js";

const HOUR_MS = 3_600_000;

/** Two instances in processes whose clocks are an hour apart, which is more than any lease of the tests. */
function apart(
  name: string,
  needs: readonly Need[],
  run: (behind: ProgressStore, ahead: ProgressStore, bench: Bench) => Promise<void>,
): StoreCase {
  return {
    name,
    needs: ["shared", ...needs],
    async run(bench) {
      await run(await bench.open(), await bench.open({ skewMs: HOUR_MS }), bench);
    },
  };
}

export const SKEW: CaseGroup = {
  group: "skew",
  cases: [
    apart(
      "given clocks an hour apart, numbers writes by their order, and the last one counts",
      [],
      async (behind, ahead) => {
        const { cursor } = await ahead.create(draft("a"));
        for (const by of upTo(6)) {
          const [writer, reader] = by % 2 === 0 ? [behind, ahead] : [ahead, behind];
          const told = await writer.write("a", change({ percent: by }, { log: [line(`${by}`)] }));
          same(versionOf(told), by + 2, "the version of a write");
          const { set, log } = await readJob(reader, "a", cursor);
          same(
            [set.percent, log.at(-1)?.n, log.at(-1)?.text],
            [by, by + 1, `${by}`],
            "what the other process is told last",
          );
        }
        same(
          (await readJob(behind, "a")).log.map(({ text }) => text),
          upTo(6).map(String),
          "the lines in their order",
        );
      },
    ),
    apart("given clocks an hour apart, an end is the end for both", [], async (behind, ahead) => {
      for (const [id, first, second] of [
        ["a", ahead, behind],
        ["b", behind, ahead],
      ] as const) {
        await second.create(draft(id));
        await first.write(id, completion(1));
        await refused(second.write(id, completion(2)), "job-finished", "A second end");
        same((await fieldsIn(second, id)).result, 1, "the end that is kept");
      }
    }),
    apart(
      "given a backend's clock, sets every time by it, whoever writes",
      ["backend clock"],
      async (behind, ahead) => {
        await ahead.create(draft("a"));
        const times = [await writtenAt(ahead, "a")];
        for (const store of [behind, ahead, behind]) {
          await store.write("a", change({ message: "one" }));
          times.push(await writtenAt(ahead, "a"));
        }
        const spanMs = Math.max(...times) - Math.min(...times);
        holds(spanMs < SLACK_MS, `updatedAt differs by ${spanMs} ms between two processes`);
      },
    ),
    apart(
      "given a backend's clock, no process' own clock ends another's job, or keeps it",
      ["backend clock"],
      async (behind, ahead, { eventually }) => {
        await leasedJob(behind, "leased-behind", { deadlineMs: LONG_MS });
        const since = await leasedJob(ahead, "leased-ahead", { deadlineMs: LONG_MS });
        for (const store of [behind, ahead])
          same(await store.sweep(undefined, 10), NOTHING_SWEPT, "the sweep's report");
        await ahead.create(draft("late", { deadlineMs: 1 }));
        await eventually("The process that is behind ends what is due", async () => {
          return (await behind.sweep(undefined, 10)).timedOut === 1;
        });
        same((await ahead.sweep(since + LONG_MS + SLACK_MS, 10)).timedOut, 2, "jobs timed out");
      },
    ),
    apart(
      "given clocks of the processes' own, a sweep leaves alone what its process has just leased",
      ["injected clock"],
      async (behind, ahead, { clock }) => {
        await leasedJob(ahead, "ahead");
        for (const store of [ahead, behind])
          same(await store.sweep(undefined, 10), NOTHING_SWEPT, "the sweep's report");
        clock.advance(HOUR_MS + LONG_MS);
        same((await behind.sweep(undefined, 10)).stale, 1, "jobs marked by the one behind");
        same((await ahead.sweep(undefined, 10)).lost, 1, "jobs lost by the one ahead");
      },
    ),
    apart(
      "given clocks of the processes' own, sweeps by both end a job once",
      ["injected clock"],
      async (behind, ahead) => {
        await leasedJob(behind, "a");
        const before = versionOf((await readJob(behind, "a")).cursor);
        const reports = await Promise.all(
          [behind, ahead, ahead].map((store) => store.sweep(undefined, 10)),
        );
        same(
          reports.reduce((sum, report) => sum + swept(report), 0),
          1,
          "jobs in all reports",
        );
        same(versionOf((await readJob(behind, "a")).cursor), before + 1, "the version");
      },
    ),
  ],
};
