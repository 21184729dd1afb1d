/** An app that uses the types of both packages. It is compiled with their built declarations, and never run. */
import * as client from "@emlinh/progress-client";
import * as server from "@emlinh/progress-server";
import { expressProgress } from "@emlinh/progress-server/adapters/express";
import { fastifyProgress } from "@emlinh/progress-server/adapters/fastify";
import { fetchProgress } from "@emlinh/progress-server/adapters/fetch";
import { nextProgress } from "@emlinh/progress-server/adapters/next";
import { nodeProgress } from "@emlinh/progress-server/adapters/node";
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { Context } from "hono";

interface Metadata {
  readonly topic: string;
}
interface Result {
  readonly videoUrl: string;
}
declare const dated: { readonly at: Date };
declare const metadata: Metadata;
declare const result: Result;
declare const app: FastifyInstance;
declare const store: server.ProgressStore;

const videoJob = server.defineJob({
  kind: "video",
  plan: ["script", "render"],
  input: server.typed<{ topic: string }>(),
  metadata: server.typed<Metadata>(),
  result: server.typed<Result>(),
});
type VideoJob = server.JobOf<typeof videoJob>;

export const isWatch: server.Authorize = ({ action, jobId }) =>
  action === "watch" && jobId.length > 0;
const authorize: server.Authorize<FastifyRequest> = ({ facts }) => facts.raw.ip === "::1";
const progress = server.createProgress({ store, authorize });
app.register(fastifyProgress, { prefix: "/api", progress });
// @ts-expect-error authorize takes the request of Fastify
expressProgress(progress);
// @ts-expect-error
nodeProgress(progress);
const onHono = server.createProgress<Context>({ store, authorize: server.allowAnyone });
export const serve = (context: Context) => fetchProgress(onHono)(context.req.raw, { raw: context });
// @ts-expect-error authorize takes the context
fetchProgress(onHono)(new Request("a:"));
const one = server.singleton("progress", () =>
  server.createProgress({ store, authorize: server.allowAnyone }),
);
export const { GET, HEAD, POST, DELETE, OPTIONS } = nextProgress(one);
// @ts-expect-error authorize takes the request of Fastify
nextProgress(progress);

export async function run(): Promise<string | undefined> {
  const job = await progress.create({ definition: videoJob, metadata });
  await progress.create({ kind: "sound", plan: ["record"], metadata });
  // @ts-expect-error a Date is not plain JSON
  await progress.create({ kind: "sound", metadata: dated });
  const state = await progress.run(job, async (reporter) => {
    await reporter.step("render", (step) => step.update({ percent: 50 }));
    // @ts-expect-error there is no such step
    reporter.beginStep("rendr");
    return result;
  });
  // @ts-expect-error the job may have no result
  state.result.videoUrl;
  if (state.status === "completed") return state.result.videoUrl;
  return state.status === "failed" ? state.error.message : undefined;
}

// A definition of the server's package, whose types the client's package takes.
const videos = new client.VideoManager({ baseUrl: "/api", definition: videoJob });
const titleOf = (watch: client.JobWatch): string => watch.jobId;
export const titles: readonly string[] = videos.jobs().map(titleOf);
void videos.create({ topic: "Sea" });
// @ts-expect-error the topic is missing
void videos.create({});
export function show(watch: client.JobWatch<VideoJob>): void {
  watch.on("progress", (job) => {
    if (job.status === "completed") titleOf(client.watchJob(job.result.videoUrl, { baseUrl: "/" }));
  });
}
