import http, { type Server } from "node:http";
import { getDefaultHighWaterMark } from "node:stream";
import { createProgress, memoryStore, type Progress } from "@emlinh/progress-server";
import { expressProgress } from "@emlinh/progress-server/adapters/express";
import { fastifyProgress } from "@emlinh/progress-server/adapters/fastify";
import { fetchProgress } from "@emlinh/progress-server/adapters/fetch";
import { nodeProgress } from "@emlinh/progress-server/adapters/node";
import { createAdaptorServer } from "@hono/node-server";
import express from "express";
import fastify from "fastify";
import type { Contender } from "./contender.js";

const BASE = "/progress";

/** Whose jobs all topics are. */
export const SUBJECT = "user:1";

/** Half of the bytes that a socket takes before it is full. */
const ROOM_BYTES = getDefaultHighWaterMark(false) / 2;

/** Our server by each of the adapters that are measured. */
export const OURS = {
  node: async (progress) => http.createServer(nodeProgress(progress, { base: BASE })),
  express: async (progress) => http.createServer(express().use(BASE, expressProgress(progress))),
  async fastify(progress) {
    const app = fastify();
    await app.register(fastifyProgress, { prefix: BASE, progress });
    await app.ready();
    return app.server as Server;
  },
  fetch: async (progress) =>
    createAdaptorServer({ fetch: fetchProgress(progress, { base: BASE }) }) as Server,
} as const satisfies Record<string, (progress: Progress) => Promise<Server>>;

/** The measured process, with what only our server has. */
export interface OurContender extends Contender {
  readonly progress: Progress;
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
  for (let topic = 0; topic < topics; topic += 1)
    await progress.create({ id: `job-${topic}`, kind: "bench", subjects: [SUBJECT] });
  const server = await OURS[adapter](progress);
  return {
    progress,
    server,
    publish: (topic, event) =>
      store.write(`job-${topic}`, { set: { "metadata.event": event }, log: [] }),
    // Our server merges the changes of a stream whose socket is full, so the next event waits until it has room.
    isFull: (queuedBytes) => queuedBytes > ROOM_BYTES,
    async close() {
      await progress.close();
      await store.close();
      server.closeAllConnections();
    },
  };
}
