import {
  defineJob,
  JobManager,
  type JobManagerOptions,
  type JobState,
  type JobWatch,
  type LogLine,
  typed,
  VideoManager,
  type VideoManagerOptions,
  watchJob,
} from "@emlinh/progress-client";
import { expectTypeOf, test } from "vitest";

const videoJob = defineJob({
  kind: "video",
  plan: [
    { id: "speech", title: "Speech", weight: 1 },
    { id: "render", title: "Render", weight: 6 },
  ],
  metadata: typed<{ topic: string }>(),
  result: typed<{ videoUrl: string }>(),
});

test("given a definition, the result, the steps and the metadata have its types", () => {
  const watch = watchJob("a", { baseUrl: "/api", definition: videoJob });
  expectTypeOf(watch.result).resolves.toEqualTypeOf<{ videoUrl: string }>();
  watch.on("step", ({ id }) => expectTypeOf(id).toEqualTypeOf<"speech" | "render">());
  watch.on("progress", (job) => {
    expectTypeOf(job.steps.render?.percent).toEqualTypeOf<number | null | undefined>();
    expectTypeOf(job.metadata.topic).toEqualTypeOf<string | undefined>();
    // @ts-expect-error there is no such step
    job.steps.encode;
  });
  watch.on("log", (line) => expectTypeOf(line).toEqualTypeOf<LogLine>());
  // @ts-expect-error there is no such event
  watch.on("error", () => {});
});

test("given a definition, a manager makes watches of its job", () => {
  const videos = new JobManager({ baseUrl: "/api", definition: videoJob });
  expectTypeOf(videos.create({})).resolves.toEqualTypeOf(videos.watch("a"));
  expectTypeOf(videos.watch("a").result).resolves.toEqualTypeOf<{ videoUrl: string }>();
});

test("VideoManager is the same class and type as JobManager", () => {
  type Video = { readonly step: "render"; readonly metadata: object; readonly result: string };
  const videos: VideoManager<Video> = new JobManager<Video>({ baseUrl: "/api" });
  expectTypeOf(new VideoManager<Video>({ baseUrl: "/api" })).toEqualTypeOf<JobManager<Video>>();
  expectTypeOf<VideoManagerOptions<Video>>().toEqualTypeOf<JobManagerOptions<Video>>();
  expectTypeOf(videos.watch("a").result).resolves.toEqualTypeOf<string>();
});

test("given no definition, a job has any JSON", () => {
  const watch = watchJob("a", { baseUrl: "/api" });
  expectTypeOf(watch).toEqualTypeOf<JobWatch>();
  expectTypeOf(watch.getSnapshot().job).toEqualTypeOf<JobState | undefined>();
});
