import http from "node:http";
import type { AddressInfo } from "node:net";
import {
  allowAnyone,
  createProgress,
  memoryStore,
  type Progress,
  type ProgressOptions,
  type ProgressStore,
} from "@emlinh/progress-server";
import { nodeProgress } from "@emlinh/progress-server/adapters/node";
import { type FaultProxy, startFaultProxy } from "./fault-proxy.js";

/** A real server behind the fault proxy. The store outlives both. */
export interface World {
  /** The base URL for clients, through the proxy. */
  readonly baseUrl: string;
  readonly proxy: FaultProxy;
  readonly store: ProgressStore;
  /** The `Progress` of the server that runs now. */
  readonly progress: Progress;
  /** Destroys every connection of the server and stops it, without a last frame. */
  kill(): Promise<void>;
  /** Starts a server again on the same port, over the same store unless another one is given. */
  start(store?: ProgressStore): Promise<void>;
  close(): Promise<void>;
}

const BASE = "/api/video-progress";

/** Starts a server and the proxy in front of it. @param files - Files that the server serves besides the progress. */
export async function makeWorld(
  options: Partial<ProgressOptions> = {},
  files: Readonly<Record<string, { type: string; body: string }>> = {},
): Promise<World> {
  let store: ProgressStore = options.store ?? memoryStore();
  let port = 0;
  let server: http.Server | undefined;
  let progress = make();

  function make(): Progress {
    return createProgress({ authorize: allowAnyone, retryMs: 50, ...options, store });
  }

  async function listen(): Promise<void> {
    const handle = nodeProgress(progress, { base: BASE });
    server = http.createServer((request, response) => {
      const file = files[request.url ?? ""];
      if (file === undefined) return handle(request, response);
      response.writeHead(200, { "content-type": file.type }).end(file.body);
    });
    await new Promise<void>((resolve) => server?.listen(port, "127.0.0.1", resolve));
    port = (server.address() as AddressInfo).port;
  }

  async function kill(): Promise<void> {
    const dying = server;
    server = undefined;
    if (dying === undefined) return;
    const closed = new Promise((resolve) => dying.close(resolve));
    dying.closeAllConnections();
    await closed;
    await progress.close();
  }

  await listen();
  const proxy = await startFaultProxy(() => `http://127.0.0.1:${port}`);
  return {
    baseUrl: `${proxy.url}${BASE}`,
    proxy,
    get store() {
      return store;
    },
    get progress() {
      return progress;
    },
    kill,
    start: async (other) => {
      store = other ?? store;
      progress = make();
      await listen();
    },
    close: async () => {
      await proxy.close();
      await kill();
      await store.close();
    },
  };
}
