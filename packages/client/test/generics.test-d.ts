import {
  defineJob,
  type JobDefinition,
  JobManager,
  type JobOf,
  type JobState,
  type JobWatch,
  type StepChange,
  typed,
  type WatchEvents,
  type WatchOptions,
  type WatchSnapshot,
  watchJob,
} from "@emlinh/progress-client";
import { expectTypeOf, test } from "vitest";

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
  input: typed<{ topic: string }>(),
  metadata: typed<Metadata>(),
  result: typed<Result>(),
});
type VideoJob = JobOf<typeof videoJob>;
declare const video: JobWatch<VideoJob>;
declare const videos: JobManager<VideoJob>;

test("given the types of a definition, each public type takes them", () => {
  const watch = watchJob<VideoJob>("a", { baseUrl: "/api" });
  expectTypeOf(watch).toEqualTypeOf(video);
  expectTypeOf(watch).toEqualTypeOf(watchJob("a", { baseUrl: "/api", definition: videoJob }));
  expectTypeOf(watch.result).resolves.toEqualTypeOf<Result>();
  expectTypeOf<StepChange<VideoJob>["id"]>().toEqualTypeOf<"script" | "render">();
  expectTypeOf<JobState<VideoJob>["step"]>().toEqualTypeOf<"script" | "render" | null>();
  expectTypeOf(videos.watch("a")).toEqualTypeOf(video);
});

test("given a watch of one kind of job, a function for every job takes it", () => {
  const titleOf = (watch: JobWatch): string => {
    const { job } = watch.getSnapshot();
    expectTypeOf(job?.metadata.topic).toBeUnknown();
    return `${job?.kind} ${job?.step}`;
  };
  titleOf(video);
  for (const watch of videos.jobs()) titleOf(watch);
  const closeAll = (manager: JobManager): void => manager.close();
  closeAll(videos);
  expectTypeOf<JobState<VideoJob>>().toExtend<JobState>();
  expectTypeOf<StepChange<VideoJob>>().toExtend<StepChange>();
  expectTypeOf<WatchSnapshot<VideoJob>>().toExtend<WatchSnapshot>();
  expectTypeOf<WatchEvents<VideoJob>>().toExtend<WatchEvents>();
  expectTypeOf<JobDefinition<VideoJob>>().toExtend<JobDefinition>();
  expectTypeOf<WatchOptions<VideoJob>>().toExtend<WatchOptions>();
});

test("given a watch of another kind of job, a function for one kind does not take it", () => {
  const show = (watch: JobWatch<VideoJob>): Promise<Result> => watch.result;
  const soundJob = defineJob({ kind: "sound", result: typed<{ soundUrl: string }>() });
  // @ts-expect-error a sound is no video
  void show(watchJob("a", { baseUrl: "/api", definition: soundJob }));
  const anyJob = watchJob("a", { baseUrl: "/api" });
  // @ts-expect-error the kind is not known
  void show(anyJob);
  // @ts-expect-error a definition is not the types of its jobs
  watchJob<typeof videoJob>("a", { baseUrl: "/api" });
});

test("given a status, the result and the error of a job have its types", () => {
  const check = (job: JobState<VideoJob>): void => {
    // @ts-expect-error the job may have no result
    job.result.videoUrl;
    if (job.status === "completed") {
      expectTypeOf(job.result).toEqualTypeOf<Result>();
      expectTypeOf(job.error).toBeNull();
      expectTypeOf(job.finishedAt).toBeNumber();
    } else if (job.status === "failed" || job.status === "lost" || job.status === "timed-out") {
      expectTypeOf(job.error.message).toBeString();
      expectTypeOf(job.result).toBeNull();
    } else if (job.status === "cancelled") {
      expectTypeOf(job.error?.message).toEqualTypeOf<string | undefined>();
    } else {
      expectTypeOf(job.status).toEqualTypeOf<"queued" | "running">();
      expectTypeOf(job.finishedAt).toBeNull();
    }
    // @ts-expect-error there is no such status
    job.status === "done";
  };
  video.on("progress", check);
  video.on("end", check);
  video.on("reset", check);
  video.on("progress", (job) => {
    if (job.status === "completed") expectTypeOf(job.result).toEqualTypeOf<Result>();
  });
  const { job } = video.getSnapshot();
  if (job?.status === "completed") expectTypeOf(job.result.videoUrl).toBeString();
  if (job?.status === "failed") expectTypeOf(job.error.code).toBeString();
});

test("given a definition with an input, create takes that input", () => {
  void videos.create({ topic: "Sea" }, { key: "a" });
  // @ts-expect-error the topic is missing
  void videos.create({});
  // @ts-expect-error the topic is a string
  void videos.create({ topic: 1 });
  // @ts-expect-error there is no such member
  void videos.create({ topic: "Sea", voice: "vi" });
  const untyped = new JobManager({ baseUrl: "/api" });
  void untyped.create({ anything: [1] });
  // @ts-expect-error the body is an object
  void untyped.create("text");
});

test("given a status in a loop over the states, the result has its type", async () => {
  for await (const job of video) {
    if (job.status === "completed") expectTypeOf(job.result).toEqualTypeOf<Result>();
    if (job.status === "failed") expectTypeOf(job.error.message).toBeString();
  }
});
