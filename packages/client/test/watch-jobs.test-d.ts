import {
  type ConnectionState,
  defineJob,
  type InitialJobs,
  type JobOf,
  type JobState,
  type JobsSnapshot,
  type JobsSummary,
  type JobsWatch,
  summaryOf,
  typed,
  type WatchJobsOptions,
  watchJobs,
} from "@emlinh/progress-client";
import { shareTabs } from "@emlinh/progress-client/tabs";
import { expectTypeOf, test } from "vitest";

interface Metadata {
  readonly topic: string;
}
interface Result {
  readonly videoUrl: string;
}
const videoJob = defineJob({
  kind: "video",
  plan: ["script", "render"],
  metadata: typed<Metadata>(),
  result: typed<Result>(),
});
type VideoJob = JobOf<typeof videoJob>;
const PLACE = { subject: "user:42", baseUrl: "/api" };
declare const videos: JobsWatch<VideoJob>;
declare const snapshot: JobsSnapshot<VideoJob>;

test("given a definition, the jobs have its result, steps and metadata", () => {
  const watch = watchJobs({ ...PLACE, definition: videoJob });
  expectTypeOf(watch).toEqualTypeOf(videos);
  expectTypeOf(watch).toEqualTypeOf(watchJobs<VideoJob>(PLACE));
  expectTypeOf(watch.getServerSnapshot()).toEqualTypeOf(snapshot);
  watch.subscribe(({ jobs }) => {
    expectTypeOf(jobs).toEqualTypeOf<readonly JobState<VideoJob>[]>();
    for (const job of jobs) {
      expectTypeOf(job.step).toEqualTypeOf<"script" | "render" | null>();
      expectTypeOf(job.steps.render?.percent).toEqualTypeOf<number | null | undefined>();
      expectTypeOf(job.metadata.topic).toEqualTypeOf<string | undefined>();
      if (job.status === "completed") expectTypeOf(job.result).toEqualTypeOf<Result>();
      else if (job.status === "failed") expectTypeOf(job.error.message).toBeString();
      // @ts-expect-error there is no such step
      job.steps.encode;
      // @ts-expect-error the job may have no result
      job.result.videoUrl;
    }
  });
});

test("given no definition, the jobs have any JSON", () => {
  const watch = watchJobs(PLACE);
  expectTypeOf(watch).toEqualTypeOf<JobsWatch>();
  expectTypeOf(watch.getSnapshot().jobs).toEqualTypeOf<readonly JobState[]>();
});

test("given a list of one kind of job, a function for every list takes it, and not the other way around", () => {
  const titleOf = (watch: JobsWatch): string => `${watch.getSnapshot().summary.percent} %`;
  titleOf(videos);
  expectTypeOf<JobsSnapshot<VideoJob>>().toExtend<JobsSnapshot>();
  expectTypeOf<WatchJobsOptions<VideoJob>>().toExtend<WatchJobsOptions>();
  const show = (watch: JobsWatch<VideoJob>): void => watch.stop();
  const soundJob = defineJob({ kind: "sound", result: typed<{ soundUrl: string }>() });
  // @ts-expect-error sounds are no videos
  show(watchJobs({ ...PLACE, definition: soundJob }));
  const anyJobs = watchJobs(PLACE);
  // @ts-expect-error the kind is not known
  show(anyJobs);
  // @ts-expect-error a definition is not the types of its jobs
  watchJobs<typeof videoJob>(PLACE);
});

test("a snapshot can't be changed", () => {
  expectTypeOf(snapshot.summary).toEqualTypeOf<JobsSummary>();
  expectTypeOf(snapshot.summary).toEqualTypeOf(summaryOf(snapshot.jobs));
  expectTypeOf(snapshot.connection).toEqualTypeOf<ConnectionState>();
  const [job] = snapshot.jobs;
  if (job === undefined) return;
  // @ts-expect-error readonly
  snapshot.jobs = [];
  // @ts-expect-error readonly
  snapshot.jobs.push(job);
  // @ts-expect-error readonly
  snapshot.jobs[0] = job;
  // @ts-expect-error readonly
  snapshot.isLoaded = true;
  // @ts-expect-error readonly
  snapshot.summary.total = 1;
  // @ts-expect-error readonly
  snapshot.connection.status = "live";
  // @ts-expect-error readonly
  job.percent = 100;
  // @ts-expect-error readonly
  job.metadata.topic = "Sea";
  // @ts-expect-error readonly
  job.steps.render = undefined;
  // @ts-expect-error readonly
  job.plan.push({ id: "script", title: "Script", weight: 1 });
});

test("given the options, takes those of a watch and its own, and no others", () => {
  const initial: InitialJobs<VideoJob> = { jobs: snapshot.jobs, next: null };
  watchJobs({ ...PLACE, definition: videoJob, limit: 20, initial, tabs: shareTabs({ key: "u" }) });
  watchJobs({ ...PLACE, limit: undefined, initial: undefined, tabs: undefined });
  // @ts-expect-error the subject is missing
  watchJobs({ baseUrl: "/api" });
  // @ts-expect-error the base URL is missing
  watchJobs({ subject: "user:42" });
  // @ts-expect-error a watch has one subject; a job has several
  watchJobs({ baseUrl: "/api", subjects: ["user:42"] });
  // @ts-expect-error a subject is a string
  watchJobs({ baseUrl: "/api", subject: ["user:42"] });
  // @ts-expect-error there is no such option
  watchJobs({ ...PLACE, pageSize: 20 });
  // @ts-expect-error a limit is a number
  watchJobs({ ...PLACE, limit: "20" });
  // @ts-expect-error the initial jobs are a list and its position, not one job
  watchJobs({ ...PLACE, initial: snapshot.jobs[0] });
  // @ts-expect-error initial jobs of another kind
  watchJobs({ ...PLACE, definition: defineJob({ kind: "sound", plan: ["mix"] }), initial });
  // @ts-expect-error the return value of shareTabs()
  watchJobs({ ...PLACE, tabs: true });
});

test("given a job of the list, its calls take its id and nothing is returned but promises", () => {
  expectTypeOf(videos.loadMore).parameters.toEqualTypeOf<[]>();
  expectTypeOf(videos.cancel).parameters.toEqualTypeOf<[jobId: string]>();
  expectTypeOf(videos.remove("a")).resolves.toBeVoid();
  expectTypeOf(videos.subscribe).returns.toEqualTypeOf<() => void>();
  // @ts-expect-error a list has no event names
  videos.subscribe("change", () => {});
});
