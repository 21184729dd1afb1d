import { expectTypeOf, test } from "vitest";
import {
  type CreatedJob,
  type CreateJob,
  defineJob,
  type JobDefinition,
  type JobOf,
  type JobState,
  type JobStatusReport,
  type JobUpdate,
  type OpenOptions,
  type Progress,
  type Reporter,
  type StepReporter,
  typed,
  type Work,
} from "../../src/index.js";

interface Scene {
  readonly title: string;
}
/** Interfaces, which TypeScript does not take for objects with any key. */
interface Metadata {
  readonly topic: string;
  readonly scenes?: readonly Scene[];
}
interface Result {
  readonly videoUrl: string;
  readonly scenes: readonly Scene[];
}
const videoJob = defineJob({
  kind: "video",
  plan: ["script", "render"],
  metadata: typed<Metadata>(),
  result: typed<Result>(),
});
type VideoJob = JobOf<typeof videoJob>;
declare const progress: Progress;
declare const reporter: Reporter<VideoJob>;
declare const metadata: Metadata;
declare const result: Result;
interface Dated {
  readonly at: Date;
}
declare const dated: Dated;
declare const counts: { readonly byName: Map<string, number> };

test("given the types of a definition, each public type takes them", async () => {
  const render = async (step: StepReporter<VideoJob["step"]>): Promise<void> =>
    step.update({ done: 1, total: 2 });
  const work: Work<VideoJob> = async (job) => {
    expectTypeOf(job).toEqualTypeOf(reporter);
    await job.step("render", render);
    return result;
  };
  const input: CreateJob<VideoJob> = { definition: videoJob, metadata: { topic: "Sea" } };
  const job = await progress.create(input);
  expectTypeOf(job).toEqualTypeOf<CreatedJob<VideoJob>>();
  expectTypeOf(await progress.run(job, work)).toEqualTypeOf<JobState<VideoJob>>();
  expectTypeOf(await progress.run<VideoJob>("id", work)).toEqualTypeOf<JobState<VideoJob>>();
  expectTypeOf(await progress.open<VideoJob>("id")).toEqualTypeOf(reporter);
  // @ts-expect-error a definition is not the types of its jobs
  progress.open<typeof videoJob>("id");
});

test("given a misspelt step, does not compile", () => {
  // @ts-expect-error the plan has no such step
  void reporter.step("rendr", () => {});
  // @ts-expect-error
  reporter.beginStep("rendr");
  // @ts-expect-error
  reporter.skip("rendr");
  reporter.skip("script");
  void reporter.step("render", (step) =>
    expectTypeOf(step.id).toEqualTypeOf<"script" | "render">(),
  );
});

test("given the objects of one kind of job, a function for every job takes them", () => {
  const announce = (job: Reporter): void => job.log(`${job.state.kind} ${job.state.status}`);
  announce(reporter);
  expectTypeOf<JobState<VideoJob>>().toExtend<JobState>();
  expectTypeOf<JobStatusReport<VideoJob>>().toExtend<JobStatusReport>();
  expectTypeOf<JobDefinition<VideoJob>>().toExtend<JobDefinition>();
  expectTypeOf<CreatedJob<VideoJob>>().toExtend<CreatedJob>();
  expectTypeOf<OpenOptions<VideoJob>>().toExtend<OpenOptions>();
  expectTypeOf<JobUpdate<VideoJob>>().toExtend<JobUpdate>();
  expectTypeOf<StepReporter<"render">>().toExtend<StepReporter>();
  const soundJob = defineJob({ kind: "sound", result: typed<{ soundUrl: string }>() });
  // @ts-expect-error a sound is no video
  expectTypeOf<JobState<JobOf<typeof soundJob>>>().toExtend<JobState<VideoJob>>();
});

test("given a status, the result and the error of a state have its types", async () => {
  const state = await progress.run<VideoJob>("id", () => result);
  // @ts-expect-error the job may have no result
  state.result.videoUrl;
  if (state.status === "completed") expectTypeOf(state.result).toEqualTypeOf<Result>();
  else if (state.status === "failed") expectTypeOf(state.error.message).toBeString();
  const report = await progress.status<VideoJob>("id");
  if (report?.status === "completed") expectTypeOf(report.result).toEqualTypeOf<Result>();
  if (report?.status === "timed-out") expectTypeOf(report.error.code).toBeString();
  if (report?.status === "running") expectTypeOf(report.finishedAt).toBeNull();
  void progress.watch("id", (job) => {
    if (job?.status === "completed") expectTypeOf(job.result).toBeUnknown();
    if (job?.status === "lost") expectTypeOf(job.error.code).toBeString();
  });
});

test("given an interface as metadata, result or data, it is accepted", async () => {
  const job = await progress.create({ kind: "video", metadata });
  expectTypeOf(job).toEqualTypeOf<CreatedJob>();
  await progress.update("id", { metadata });
  await progress.update("id", { metadata: { topic: null, queuePosition: 3 } });
  await progress.run("id", async (any) => {
    any.update({ metadata });
    any.log("a", { data: result });
    return result;
  });
  await progress.run("id", () => {});
  await (await progress.open("id")).complete(result);
  await progress.create({ definition: videoJob, metadata });
  reporter.update({ metadata });
  const plainJob = defineJob({ kind: "a" });
  await progress.run(await progress.create({ definition: plainJob, metadata }), () => result);
});

test("given a value that JSON would change, does not compile", async () => {
  // @ts-expect-error a Date arrives as a string
  await progress.create({ kind: "a", metadata: dated });
  // @ts-expect-error a Map arrives empty
  await progress.create({ kind: "a", metadata: counts });
  // @ts-expect-error
  await progress.create({ definition: defineJob({ kind: "a" }), metadata: { dated } });
  // @ts-expect-error
  await progress.update("id", { metadata: dated });
  // @ts-expect-error
  await progress.run("id", () => dated);
  // @ts-expect-error
  await progress.run("id", async () => counts);
  const open = await progress.open("id");
  // @ts-expect-error
  open.update({ metadata: { deep: { counts } } });
  // @ts-expect-error
  open.log("a", { data: dated });
});

test("given keys that may be undefined, metadata takes them", async () => {
  const topic = undefined as string | undefined;
  await progress.create({ definition: videoJob, metadata: { topic } });
  reporter.update({ message: undefined, metadata: { topic } });
  // @ts-expect-error the definition has no such key
  await progress.create({ definition: videoJob, metadata: { topic: "Sea", colour: "red" } });
  // @ts-expect-error
  reporter.update({ metadata: { topic: "Sea", colour: "red" } });
});

test("given a plan of ids, of objects or of both, the step ids are literals", () => {
  type StepOf<Definition extends JobDefinition> = Definition["plan"][number]["id"];
  const mixed = defineJob({ kind: "a", plan: ["script", { id: "render", weight: 6 }] });
  expectTypeOf<JobOf<typeof mixed>["step"]>().toEqualTypeOf<"script" | "render">();
  const constant = ["a", "b"] as const;
  const fromConstant = defineJob({ kind: "a", plan: constant });
  expectTypeOf<JobOf<typeof fromConstant>["step"]>().toEqualTypeOf<"a" | "b">();
  const ids: readonly ("c" | "d")[] = ["c", "d"];
  const fromReadonly = defineJob({ kind: "a", plan: ids });
  expectTypeOf<JobOf<typeof fromReadonly>["step"]>().toEqualTypeOf<"c" | "d">();
  const names: string[] = ["e"];
  const fromNames = defineJob({ kind: "a", plan: names });
  expectTypeOf<StepOf<typeof fromNames>>().toBeString();
  void progress.create({ kind: "a", plan: ["script", { id: "render", title: "Render" }] });
  void progress.create({ kind: "a", plan: constant });
  // @ts-expect-error a step has no such member
  void progress.create({ kind: "a", plan: [{ id: "render", wieght: 6 }] });
  // @ts-expect-error a step has an id
  void progress.create({ kind: "a", plan: [{ title: "Render" }] });
});
