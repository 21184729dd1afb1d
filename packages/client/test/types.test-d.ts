import {
  type CreateRetry,
  defineJob,
  JobManager,
  type JobManagerOptions,
  type JobOf,
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

test("given a definition with an input, create takes that input only", () => {
  const job = defineJob({ kind: "video", input: typed<{ topic: string; seconds?: number }>() });
  const videos = new VideoManager({ baseUrl: "/api", definition: job });
  expectTypeOf(videos.create).parameter(0).toEqualTypeOf<{ topic: string; seconds?: number }>();
  videos.create(
    { topic: "a" },
    { onRetry: (retry) => expectTypeOf(retry).toEqualTypeOf<CreateRetry>() },
  );
  // @ts-expect-error the topic is missing
  videos.create({});
  // @ts-expect-error there is no such member
  videos.create({ topic: "a", voice: "vi" });
  // @ts-expect-error the topic is a string
  videos.create({ topic: 1 });
});

/** The type of a value in Vue's `ref` and `reactive`. */
type UnwrapRef<T> = T extends (...args: never) => unknown
  ? T
  : T extends object
    ? { [Key in keyof T]: Key extends symbol ? T[Key] : UnwrapRef<T[Key]> }
    : T;

test("given the type that a reactive framework makes of a manager, it is still a manager", () => {
  type Video = JobOf<typeof videoJob>;
  const held = { value: new VideoManager({ baseUrl: "/api", definition: videoJob }) };
  const { value } = held as { value: UnwrapRef<VideoManager<Video>> };
  expectTypeOf(value).toExtend<VideoManager<Video>>();
  const show = (videos: VideoManager<Video>): readonly JobWatch<Video>[] => videos.jobs();
  expectTypeOf(show(value)).toEqualTypeOf<readonly JobWatch<Video>[]>();
});

test("given a fetch of the app, accepts the global one, and a plain function without its other members", () => {
  type Fetch = NonNullable<Parameters<typeof watchJob>[1]["fetch"]>;
  expectTypeOf<typeof globalThis.fetch>().toExtend<Fetch>();
  expectTypeOf<(url: string | URL, init?: RequestInit) => Promise<Response>>().toExtend<Fetch>();
  // As in Bun, where a required `preconnect` would exclude every function of an app.
  expectTypeOf<Fetch>().not.toHaveProperty("preconnect");
  expectTypeOf<Parameters<Fetch>>().toEqualTypeOf<[url: string, init: RequestInit]>();
});
