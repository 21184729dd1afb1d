import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import { expressProgress } from "@emlinh/progress-server/adapters/express";
import { createVideoRoute } from "@emlinh/video-studio/src/server/create-video.js";
import { notFound, problemHandler } from "@emlinh/video-studio/src/server/errors.js";
import { sendOptions } from "@emlinh/video-studio/src/server/options.js";
import { pageRoutes } from "@emlinh/video-studio/src/server/pages.js";
import { securityHeaders } from "@emlinh/video-studio/src/server/security.js";
import { videoRoutes } from "@emlinh/video-studio/src/server/videos.js";
import {
  CREATE_PATH,
  OPTIONS_PATH,
  PROGRESS_PATH,
} from "@emlinh/video-studio/src/shared/addresses.js";
import express, { type Express, type RequestHandler } from "express";
import { openRooms, type Rooms } from "../rooms.js";
import type { Settings } from "../settings.js";
import { type ClusterJobs, createVideoJobs } from "./video-jobs.js";

/** A web process that serves. */
export interface Web {
  readonly url: string;
  /** Sends the streams away, and resolves when all is closed. The videos go on: they are the workers' work. */
  close(): Promise<void>;
}

/** What {@link startWeb} takes. */
export interface WebOptions {
  readonly settings: Settings;
  /** `0` for any that is free. */
  readonly port: number;
  /** The address to listen at; the one that nginx reaches. */
  readonly host: string;
  readonly onNotice: (notice: string) => void;
}

/**
 * Longer than nginx keeps an idle connection to us (60 s): so it is nginx that closes it, and never sends a request down a line that we are just closing.
 */
const KEEP_ALIVE_MS = 75_000;
/** Streams are sent away within so long, each at a moment of its own. */
const DRAIN_MS = 500;
/** Downloads may go on for so long after that. */
const DOWNLOAD_GRACE_MS = 1_000;

const require = createRequire(import.meta.url);
/** The studio's page, as its own build made it. */
const PAGE_DIR = join(dirname(require.resolve("@emlinh/video-studio/dist/worker.js")), "page");

/** Starts a web process. Resolves when it listens. */
export async function startWeb({ settings, port, host, onNotice }: WebOptions): Promise<Web> {
  const rooms = await openRooms(settings, onNotice);
  const jobs = createVideoJobs(rooms);
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, createApp(rooms, jobs));
  server.listen(port, host);
  await once(server, "listening");
  return {
    url: `http://${host}:${(server.address() as AddressInfo).port}`,
    close: () => close(server, rooms, jobs),
  };
}

async function close(server: Server, rooms: Rooms, jobs: ClusterJobs): Promise<void> {
  await jobs.close();
  const closed = once(server, "close");
  server.close();
  await rooms.progress.drain({ spreadMs: DRAIN_MS });
  // What nginx keeps for later holds nobody up.
  server.closeIdleConnections();
  const cutOff = setTimeout(() => server.closeAllConnections(), DOWNLOAD_GRACE_MS);
  await closed;
  clearTimeout(cutOff);
  await rooms.close();
}

function createApp(rooms: Rooms, jobs: ClusterJobs): Express {
  const { progress, videos, onNotice } = rooms;
  const app = express();
  app.disable("x-powered-by");
  // Who asks stands in what nginx adds.
  app.set("trust proxy", "loopback");
  app.use(securityHeaders());
  app.post(`${PROGRESS_PATH}/:id/cancel`, leaveAfterwards(rooms, jobs));
  app.use(PROGRESS_PATH, expressProgress(progress));
  app.use(CREATE_PATH, createVideoRoute(jobs));
  app.get(OPTIONS_PATH, sendOptions());
  // It asks for nothing but the directories.
  app.use("/api/videos", videoRoutes(videos));
  app.use(pageRoutes(PAGE_DIR));
  app.use(notFound());
  app.use(problemHandler((error) => onNotice(`A request failed: ${String(error)}`)));
  return app;
}

/** A waiting job that is cancelled has ended in the store; then BullMQ needn't keep its place. If this process dies before, a worker finds it ended. */
function leaveAfterwards({ unwaited }: Rooms, jobs: ClusterJobs): RequestHandler {
  return (req, res, next) => {
    const { id } = req.params;
    res.on("finish", () => {
      if (res.statusCode === 202) unwaited(jobs.leave(String(id)));
    });
    next();
  };
}
