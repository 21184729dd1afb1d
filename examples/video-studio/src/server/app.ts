import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { allowAnyone, createProgress, type Progress } from "@emlinh/progress-server";
import { expressProgress } from "@emlinh/progress-server/adapters/express";
import express, { type Express } from "express";
import { CREATE_PATH, OPTIONS_PATH, PROGRESS_PATH } from "../shared/addresses.js";
import { createVideoRoute } from "./create-video.js";
import { endUnfinished } from "./end-unfinished.js";
import { notFound, problemHandler } from "./errors.js";
import { openJobStore, withVideos } from "./job-store.js";
import { sendOptions } from "./options.js";
import { pageRoutes } from "./pages.js";
import { securityHeaders } from "./security.js";
import { openVideoFiles, type VideoFiles } from "./video-files.js";
import { createVideoJobs, type VideoJobs } from "./video-jobs.js";
import { videoRoutes } from "./videos.js";

/** What {@link createStudio} takes. Durations are milliseconds. */
export interface StudioOptions {
  /** Where jobs and videos are kept; made if it isn't there. Two studios must not share it. */
  readonly dataDir: string;
  /** `0` for any that is free. */
  readonly port: number;
  /** The address to listen at. @defaultValue all of this machine's */
  readonly host?: string | undefined;
  /** The built page. @defaultValue `page` beside the running file */
  readonly pageDir?: string | undefined;
  /** Videos that may wait; one more is answered 429. @defaultValue `20` */
  readonly maxWaiting?: number | undefined;
  /** Videos kept; the oldest go first. @defaultValue `200` */
  readonly maxVideos?: number | undefined;
  /** How soon the death of this process shows to a reader elsewhere. @defaultValue `3_000` */
  readonly leaseMs?: number | undefined;
  /** A worker that says nothing for so long is ended. @defaultValue `60_000` */
  readonly silenceMs?: number | undefined;
  /** Streams are sent away within so long when the studio closes. @defaultValue `500` */
  readonly drainMs?: number | undefined;
  /** The built worker. @defaultValue `worker.js` beside the running file */
  readonly workerFile?: URL | undefined;
  /** The workers' environment. @defaultValue this process's */
  readonly env?: NodeJS.ProcessEnv | undefined;
  /** Told of what the operator should know; it may name paths. @defaultValue does nothing */
  readonly onNotice?: ((notice: string) => void) | undefined;
}

/** A studio that serves. */
export interface Studio {
  /** Such as `http://localhost:3000`. */
  readonly url: string;
  /** Ends the jobs and their workers, sends the streams away, and resolves when all connections are closed. Idempotent. */
  close(): Promise<void>;
}

/** Downloads may go on for so long after the rest is closed. */
const DOWNLOAD_GRACE_MS = 1_000;

/**
 * Opens a studio. Resolves when it listens.
 *
 * @throws The error of `listen`, such as `EADDRINUSE`; that of making the directory.
 */
export async function createStudio(options: StudioOptions): Promise<Studio> {
  const { leaseMs = 3_000, silenceMs = 60_000, maxWaiting = 20, onNotice = () => {} } = options;
  const { dataDir, maxVideos = 200, workerFile, env } = options;
  await mkdir(dataDir, { recursive: true });
  const kept = openJobStore(dataDir);
  const files = await openVideoFiles(dataDir, maxVideos, kept.hasExpired);
  const left = await files.list();
  const store = withVideos(kept.store, files);
  const progress = createProgress({
    store,
    // Who has a job's id, which can't be guessed, may watch it and cancel it. An app with users would look here whether the job is theirs.
    authorize: allowAnyone,
    leaseMs,
    onError: ({ message, cause }) => onNotice(cause ? `${message} (${String(cause)})` : message),
  });
  const jobs = createVideoJobs({
    ...{ progress, store, files, maxWaiting, silenceMs, workerFile, env, onNotice },
  });
  const pageDir = options.pageDir ?? fileURLToPath(new URL("./page/", import.meta.url));
  const server = createServer(createApp({ progress, jobs, files, pageDir, onNotice }));
  try {
    server.listen(options.port, options.host);
    await once(server, "listening");
    // Not before: whoever starts the studio twice is refused the port, and must not end the jobs of the first one.
    await endUnfinished(left, { store: kept.store, files });
  } catch (error) {
    await progress.close();
    await kept.close();
    throw error;
  }

  async function close(): Promise<void> {
    // The jobs first: those who watch one still hear how it ended.
    await jobs.close();
    const closed = once(server, "close");
    server.close();
    await progress.drain({ spreadMs: options.drainMs ?? 500 });
    const cutOff = setTimeout(() => server.closeAllConnections(), DOWNLOAD_GRACE_MS);
    await closed;
    clearTimeout(cutOff);
    await progress.close();
    await kept.close();
  }

  let closing: Promise<void> | undefined;
  return {
    url: urlOf(server, options.host),
    close() {
      closing ??= close();
      return closing;
    },
  };
}

interface Rooms {
  readonly progress: Progress;
  readonly jobs: VideoJobs;
  readonly files: VideoFiles;
  readonly pageDir: string;
  readonly onNotice: (notice: string) => void;
}

function createApp({ progress, jobs, files, pageDir, onNotice }: Rooms): Express {
  const app = express();
  app.disable("x-powered-by");
  app.use(securityHeaders());
  app.use(PROGRESS_PATH, expressProgress(progress));
  app.use(CREATE_PATH, createVideoRoute(jobs));
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
