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
import { removeFilesAfterwards } from "@emlinh/video-studio/src/server/removed-videos.js";
import { securityHeaders } from "@emlinh/video-studio/src/server/security.js";
import { sendSession } from "@emlinh/video-studio/src/server/session.js";
import { videoRoutes } from "@emlinh/video-studio/src/server/videos.js";
import {
  CREATE_PATH,
  OPTIONS_PATH,
  PROGRESS_PATH,
  SESSION_PATH,
} from "@emlinh/video-studio/src/shared/addresses.js";
import express, { type Express, type RequestHandler } from "express";
import { openServices, type Services } from "../services.js";
import type { Settings } from "../settings.js";
import { type ClusterJobs, createVideoJobs } from "./video-jobs.js";

/** A running web process. */
export interface Web {
  readonly url: string;
  /** Closes the streams, and resolves when everything is closed. The workers go on with their videos. */
  close(): Promise<void>;
}

/** Options of {@link startWeb}. */
export interface WebOptions {
  readonly settings: Settings;
  /** `0` for any free port. */
  readonly port: number;
  /** The address to listen on. nginx must be able to reach it. */
  readonly host: string;
  readonly onNotice: (notice: string) => void;
}

/**
 * Longer than nginx keeps an idle connection to this process (60 s). So nginx closes it, and never sends a request over
 * a connection that this process is closing.
 */
const KEEP_ALIVE_MS = 75_000;
/** The time over which open streams are closed, each at a random moment. */
const DRAIN_MS = 500;
/** Milliseconds for which downloads may continue after that. */
const DOWNLOAD_GRACE_MS = 1_000;

const require = createRequire(import.meta.url);
/** The studio's page, as the studio's own build made it. */
const PAGE_DIR = join(dirname(require.resolve("@emlinh/video-studio/dist/worker.js")), "page");

/** Starts a web process. Resolves when it listens. */
export async function startWeb({ settings, port, host, onNotice }: WebOptions): Promise<Web> {
  const services = await openServices(settings, onNotice);
  const jobs = createVideoJobs(services);
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, createApp(services, jobs));
  server.listen(port, host);
  await once(server, "listening");
  return {
    url: `http://${host}:${(server.address() as AddressInfo).port}`,
    close: () => close(server, services, jobs),
  };
}

async function close(server: Server, services: Services, jobs: ClusterJobs): Promise<void> {
  await jobs.close();
  const closed = once(server, "close");
  server.close();
  await services.progress.drain({ spreadMs: DRAIN_MS });
  // nginx keeps idle connections open, which would delay the close.
  server.closeIdleConnections();
  const cutOff = setTimeout(() => server.closeAllConnections(), DOWNLOAD_GRACE_MS);
  await closed;
  clearTimeout(cutOff);
  await services.close();
}

function createApp(services: Services, jobs: ClusterJobs): Express {
  const { progress, videos, onNotice } = services;
  const app = express();
  app.disable("x-powered-by");
  // nginx adds the address of the client to the request.
  app.set("trust proxy", "loopback");
  app.use(securityHeaders());
  app.post(`${PROGRESS_PATH}/:id/cancel`, removeFromQueueAfterwards(services, jobs));
  app.use(PROGRESS_PATH, removeFilesAfterwards(videos, onNotice), expressProgress(progress));
  app.use(CREATE_PATH, createVideoRoute(jobs));
  app.get(SESSION_PATH, sendSession());
  app.get(OPTIONS_PATH, sendOptions());
  app.use("/api/videos", videoRoutes(videos));
  app.use(pageRoutes(PAGE_DIR));
  app.use(notFound());
  app.use(problemHandler((error) => onNotice(`A request failed: ${String(error)}`)));
  return app;
}

/**
 * A cancel ends a waiting job in the store. Afterwards this removes it from BullMQ's queue. If this process dies before
 * that, a worker takes the job and finds that it has ended.
 */
function removeFromQueueAfterwards({ inBackground }: Services, jobs: ClusterJobs): RequestHandler {
  return (req, res, next) => {
    const { id } = req.params;
    res.on("finish", () => {
      if (res.statusCode === 202) inBackground(jobs.removeCancelled(String(id)));
    });
    next();
  };
}
