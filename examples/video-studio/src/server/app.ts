import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { createProgress, type Progress } from "@emlinh/progress-server";
import { expressProgress } from "@emlinh/progress-server/adapters/express";
import express, { type Express } from "express";
import { CREATE_PATH, OPTIONS_PATH, PROGRESS_PATH, SESSION_PATH } from "../shared/addresses.js";
import { authorizeVideos } from "./authorize.js";
import { createVideoRoute } from "./create-video.js";
import { refuseWithoutEncoder } from "./encoder-check.js";
import { endUnfinished } from "./end-unfinished.js";
import { notFound, problemHandler } from "./errors.js";
import { openJobStore } from "./job-store.js";
import { sendOptions } from "./options.js";
import { pageRoutes } from "./pages.js";
import { removeFilesAfterwards, removeJobsWithoutVideo } from "./removed-videos.js";
import { securityHeaders } from "./security.js";
import { sendSession } from "./session.js";
import { openVideoFiles, type VideoFiles } from "./video-files.js";
import { createVideoJobs, type VideoJobs } from "./video-jobs.js";
import { videoRoutes } from "./videos.js";

/** Options of {@link createStudio}. Durations are in milliseconds. */
export interface StudioOptions {
  /** The directory of jobs and videos. It is created if there is none. Two studios must not share it. */
  readonly dataDir: string;
  /** `0` for any free port. */
  readonly port: number;
  /** The address to listen on. @defaultValue all addresses of this machine */
  readonly host?: string | undefined;
  /** The folder of the built page. @defaultValue `page` in the folder of the running file */
  readonly pageDir?: string | undefined;
  /** Videos that may wait. A request for another one is answered 429. @defaultValue `20` */
  readonly maxWaiting?: number | undefined;
  /** Videos that are kept. Beyond that the oldest ones are removed. @defaultValue `200` */
  readonly maxVideos?: number | undefined;
  /** The jobs' lease. If this process dies, readers elsewhere see it after this time. @defaultValue `3_000` */
  readonly leaseMs?: number | undefined;
  /** A worker that sends no message for this time is killed. @defaultValue `60_000` */
  readonly silenceMs?: number | undefined;
  /** The time over which open streams are closed when the studio closes. @defaultValue `500` */
  readonly drainMs?: number | undefined;
  /** The built worker. @defaultValue `worker.js` in the folder of the running file */
  readonly workerFile?: URL | undefined;
  /** The workers' environment. @defaultValue this process's environment */
  readonly env?: NodeJS.ProcessEnv | undefined;
  /** Called with messages for the operator, which may contain paths. @defaultValue does nothing */
  readonly onNotice?: ((notice: string) => void) | undefined;
}

/** A running studio. */
export interface Studio {
  /** For example `http://localhost:3000`. */
  readonly url: string;
  /** Ends the jobs and their workers, closes the streams, and resolves when all connections are closed. Idempotent. */
  close(): Promise<void>;
}

/** Milliseconds for which downloads may continue after everything else is closed. */
const DOWNLOAD_GRACE_MS = 1_000;

/**
 * Opens a studio. Resolves when it listens.
 *
 * @throws the error of `listen`, such as `EADDRINUSE`, or of creating the directory.
 */
export async function createStudio(options: StudioOptions): Promise<Studio> {
  const { onNotice = () => {} } = options;
  await mkdir(options.dataDir, { recursive: true });
  const jobStore = openJobStore(options.dataDir);
  const progress: Progress = createProgress({
    store: jobStore.store,
    authorize: authorizeVideos(() => progress),
    leaseMs: options.leaseMs ?? 3_000,
    onError: ({ message, cause }) => onNotice(cause ? `${message} (${String(cause)})` : message),
  });
  async function closeProgress(): Promise<void> {
    await progress.close();
    await jobStore.close();
  }
  try {
    const services = await openServices(progress, { ...options, onNotice });
    const server = createServer(createApp(services));
    await start(server, services, options);
    return studioOf(server, services, { ...options, closeProgress });
  } catch (error) {
    await closeProgress();
    throw error;
  }
}

function studioOf(
  server: Server,
  { jobs, progress }: Services,
  options: StudioOptions & { readonly closeProgress: () => Promise<void> },
): Studio {
  const { host, drainMs = 500, closeProgress } = options;
  async function close(): Promise<void> {
    // The jobs come first, so that readers still receive the end of their job.
    await jobs.close();
    await closeServer(server, progress, drainMs);
    await closeProgress();
  }
  let closing: Promise<void> | undefined;
  return {
    url: urlOf(server, host),
    close() {
      closing ??= close();
      return closing;
    },
  };
}

interface Services {
  readonly progress: Progress;
  readonly jobs: VideoJobs;
  readonly files: VideoFiles;
  readonly pageDir: string;
  readonly onNotice: (notice: string) => void;
}

type ServiceOptions = StudioOptions & Pick<Services, "onNotice">;

async function openServices(progress: Progress, options: ServiceOptions): Promise<Services> {
  const { dataDir, maxVideos = 200, maxWaiting = 20, silenceMs = 60_000 } = options;
  const { workerFile, env, onNotice } = options;
  const files = await openVideoFiles(dataDir, maxVideos, {
    isKept: async (jobId) => (await progress.status(jobId)) !== undefined,
    remove: async (jobId) => void (await progress.remove(jobId)),
  });
  const videoJobs = createVideoJobs({
    ...{ progress, files, maxWaiting, silenceMs, workerFile, env, onNotice },
  });
  const jobs = refuseWithoutEncoder(videoJobs, { env, onNotice });
  const pageDir = options.pageDir ?? fileURLToPath(new URL("./page/", import.meta.url));
  return { progress, jobs, files, pageDir, onNotice };
}

async function start(
  server: Server,
  { progress, files }: Services,
  { port, host }: StudioOptions,
): Promise<void> {
  const directories = await files.list();
  server.listen(port, host);
  await once(server, "listening");
  // Only now: a studio that is started twice does not get the port, and must not end the jobs of the first one.
  await endUnfinished(directories, { progress, files });
}

async function closeServer(server: Server, progress: Progress, drainMs: number): Promise<void> {
  const closed = once(server, "close");
  server.close();
  await progress.drain({ spreadMs: drainMs });
  const cutOff = setTimeout(() => server.closeAllConnections(), DOWNLOAD_GRACE_MS);
  await closed;
  clearTimeout(cutOff);
}

function createApp({ progress, jobs, files, pageDir, onNotice }: Services): Express {
  const app = express();
  app.disable("x-powered-by");
  // A proxy on this machine says whether the browser uses https.
  app.set("trust proxy", "loopback");
  app.use(securityHeaders());
  app.use(
    PROGRESS_PATH,
    removeJobsWithoutVideo(progress, files),
    removeFilesAfterwards(files, onNotice),
    expressProgress(progress),
  );
  app.use(CREATE_PATH, createVideoRoute(jobs));
  app.get(SESSION_PATH, sendSession());
  app.get(OPTIONS_PATH, sendOptions());
  app.use("/api/videos", videoRoutes(files));
  app.use(pageRoutes(pageDir));
  app.use(notFound());
  app.use(problemHandler((error) => onNotice(`A request failed: ${String(error)}`)));
  return app;
}

function urlOf(server: Server, host: string | undefined): string {
  const { port } = server.address() as AddressInfo;
  const name = host === undefined ? "localhost" : host.includes(":") ? `[${host}]` : host;
  return `http://${name}:${port}`;
}
