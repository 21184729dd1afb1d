import { expectTypeOf, test } from "vitest";
import {
  createProgress,
  defineJob,
  type JobList,
  type JobOf,
  type JobState,
  type Reporter,
  typed,
} from "../../src/index.js";

const progress = createProgress({} as never);
const videoJob = defineJob({
  kind: "video",
  plan: [
    { id: "speech", title: "Speech", weight: 1 },
    { id: "render", title: "Render", weight: 6 },
  ],
  metadata: typed<{ topic: string; queuePosition?: number }>(),
  result: typed<{ videoUrl: string }>(),
});

test("given a definition, step ids, metadata and result have its types", async () => {
  const job = await progress.create({ definition: videoJob, metadata: { topic: "Sea" } });
  const state = await progress.run(job, async (reporter) => {
    reporter.update({ metadata: { queuePosition: 1, topic: null } });
    // @ts-expect-error: the definition has no such metadata key
    reporter.update({ metadata: { colour: "red" } });
    // @ts-expect-error: the plan has no such step
    reporter.beginStep("upload");
    const frames = await reporter.step("render", (step) => {
      step.update({ done: 1, total: 2 });
      return 249;
    });
    expectTypeOf(frames).toEqualTypeOf<number>();
    return { videoUrl: "/v.mp4" };
  });
  expectTypeOf(state.result).toEqualTypeOf<{ videoUrl: string } | null>();
  expectTypeOf(state.step).toEqualTypeOf<"speech" | "render" | null>();
  expectTypeOf(state.metadata.topic).toEqualTypeOf<string | undefined>();
});

test("given a wrong result, does not compile", async () => {
  const job = await progress.create({ definition: videoJob });
  // @ts-expect-error: the result needs a videoUrl
  await progress.run(job, async () => ({ audioUrl: "/a" }));
  // @ts-expect-error: the work must return a result
  await progress.run(job, async () => {});
  // @ts-expect-error: metadata of another type
  await progress.create({ definition: videoJob, metadata: { topic: 5 } });
});

test("given an id and a definition, the reporter has its types", async () => {
  const reporter = await progress.open("id", { definition: videoJob });
  expectTypeOf(reporter.complete).parameter(0).toEqualTypeOf<{ videoUrl: string }>();
});

test("given no definition, accepts any JSON", async () => {
  const job = await progress.create({ kind: "import", metadata: { file: "a.csv" } });
  await progress.run(job, async (reporter) => {
    expectTypeOf(reporter).toEqualTypeOf<Reporter>();
    await reporter.step("any", () => {});
  });
  await progress.run("id", async () => ({ rows: 5 }));
  await progress.run("id", () => "text");
});

test("given subjects, create takes a list of strings, and list one subject", async () => {
  const subjects: readonly string[] = ["user:42", "batch:1"];
  await progress.create({ definition: videoJob, subjects });
  await progress.create({ kind: "import", subjects: undefined });
  // @ts-expect-error: subjects are a list
  await progress.create({ kind: "import", subjects: "user:42" });
  // @ts-expect-error: a subject is a string
  await progress.create({ kind: "import", subjects: [42] });
  // @ts-expect-error: a job has subjects, a list has one
  await progress.create({ kind: "import", subject: "user:42" });
  // @ts-expect-error: the subject is missing
  await progress.list({ limit: 20 });
  // @ts-expect-error: a list is of one subject
  await progress.list({ subjects });
  // @ts-expect-error: there is no such option
  await progress.list({ subject: "user:42", after: "p" });
});

test("given the types of a job, list returns its states", async () => {
  const { jobs, next } = await progress.list<JobOf<typeof videoJob>>({ subject: "user:42" });
  expectTypeOf(jobs).toEqualTypeOf<readonly JobState<JobOf<typeof videoJob>>[]>();
  expectTypeOf(next).toEqualTypeOf<string | null>();
  await progress.list({ subject: "user:42", before: next ?? undefined });
  expectTypeOf(await progress.list({ subject: "user:42" })).toEqualTypeOf<JobList>();
});
