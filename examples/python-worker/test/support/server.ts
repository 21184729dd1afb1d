import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import {
  type Authorize,
  createProgress,
  memoryStore,
  type Progress,
  type ProgressOptions,
} from "@emlinh/progress-server";
import { nodeProgress } from "@emlinh/progress-server/adapters/node";
import { onTestFinished } from "vitest";

const authorize: Authorize = ({ action }) => action !== "cleanup" && action !== "remove";

/** A progress behind an HTTP server. */
export interface RestartableServer {
  readonly progress: Progress;
  readonly port: number;
  /** The URL where progress is served. */
  readonly base: string;
  /** Stops listening, and cuts all connections. */
  stop(): Promise<void>;
  /** Listens again on the same port. */
  start(): Promise<void>;
}

/** Serves a progress until the test is over. */
export async function serve(options: Partial<ProgressOptions> = {}): Promise<RestartableServer> {
  const store = memoryStore({ maxLogLines: 1_000 });
  const progress = createProgress({ store, authorize, ...options });
  let server = await listen(progress, 0);
  const { port } = server.address() as AddressInfo;
  onTestFinished(async () => {
    await stop(server);
    await progress.close();
    await store.close();
  });
  return {
    progress,
    port,
    base: baseOf(port),
    stop: () => stop(server),
    async start() {
      server = await listen(progress, port);
    },
  };
}

/** The URL where progress is served on a port. */
export function baseOf(port: number): string {
  return `http://127.0.0.1:${port}/progress`;
}

async function listen(progress: Progress, port: number): Promise<Server> {
  const server = createServer(nodeProgress(progress, { base: "/progress" }));
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  return server;
}

async function stop(server: Server): Promise<void> {
  if (!server.listening) return;
  const closed = new Promise((resolve) => server.close(resolve));
  server.closeAllConnections();
  await closed;
}
