import http, { type Server } from "node:http";
import { getDefaultHighWaterMark } from "node:stream";
import { createProgress, memoryStore, type Progress } from "@emlinh/progress-server";
import { expressProgress } from "@emlinh/progress-server/adapters/express";
import { fastifyProgress } from "@emlinh/progress-server/adapters/fastify";
import { fetchProgress } from "@emlinh/progress-server/adapters/fetch";
import { nodeProgress } from "@emlinh/progress-server/adapters/node";
import { BASE, type Contender, jobIdOf, SUBJECT } from "./contender.js";

/** Half of the bytes that a socket takes before it is full. */
const ROOM_BYTES = getDefaultHighWaterMark(false) / 2;

/** Our server by each of the adapters that are measured. Only the framework that is measured is loaded. */
export const OURS = {
  node: async (progress) => http.createServer(nodeProgress(progress, { base: BASE })),
  async express(progress) {
    const { default: express } = await import("express");
    return http.createServer(express().use(BASE, expressProgress(progress)));
  },
  async fastify(progress) {
    const { default: fastify } = await import("fastify");
    const app = fastify();
    await app.register(fastifyProgress, { prefix: BASE, progress });
    await app.ready();
    return app.server as Server;
  },
  async fetch(progress) {
    const { createAdaptorServer } = await import("@hono/node-server");
    return createAdaptorServer({ fetch: fetchProgress(progress, { base: BASE }) }) as Server;
  },
} as const satisfies Record<string, (progress: Progress) => Promise<Server>>;

/** The measured process, with what only our server has. */
export interface OurContender extends Contender {
  readonly progress: Progress;
  /** Creates the job of a new topic. */
  create(topic: number): Promise<unknown>;
  /** Removes the job of a topic, as a sweep does. */
  remove(topic: number): Promise<unknown>;
}

/** Our server with the memory store and one job per topic. An event is one write of one field. */
export async function ours(adapter: keyof typeof OURS, topics: number): Promise<OurContender> {
  const store = memoryStore({ maxJobs: Number.POSITIVE_INFINITY });
  const progress = createProgress({
    store,
    authorize: ({ action }) => action === "watch" || action === "list",
    maxStreams: Number.POSITIVE_INFINITY,
    maxStreamsPerJob: Number.POSITIVE_INFINITY,
  });
  const create = (topic: number) =>
    progress.create({ id: jobIdOf(topic), kind: "bench", subjects: [SUBJECT] });
  for (let topic = 0; topic < topics; topic += 1) await create(topic);
  const server = await OURS[adapter](progress);
  return {
    progress,
    server,
    create,
    remove: (topic) => store.remove(jobIdOf(topic)),
    publish: (topic, event) =>
      store.write(jobIdOf(topic), { set: { "metadata.event": event }, log: [] }),
    // Our server merges the changes of a stream whose socket is full, so the next event waits until it has room.
    isFull: (queuedBytes) => queuedBytes > ROOM_BYTES,
    async close() {
      await progress.close();
      await store.close();
      server.closeAllConnections();
    },
  };
}
