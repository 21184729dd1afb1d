import http from "node:http";
import http2 from "node:http2";
import { serve as serveHono } from "@hono/node-server";
import { H3 } from "h3";
import { toNodeHandler } from "h3/node";
import { Hono } from "hono";
import type { DrainableProgress } from "../../../src/adapters/fastify.js";
import { fetchProgress } from "../../../src/adapters/fetch.js";
import { honoProgress } from "../../../src/adapters/hono.js";
import { nextProgress } from "../../../src/adapters/next.js";
import { http2Client } from "./client.js";
import { BASE, type Host, hostOf, listen, type StartHost } from "./host.js";
import { nextListener, nextRoute } from "./next-listener.js";

/** The handler of an app below `@hono/node-server`. */
type FetchCallback = Parameters<typeof serveHono>[0]["fetch"];

/** The hosts below which the adapter finds no connection. */
export const NEXT_HOSTS: Readonly<Record<string, StartHost>> = {
  "fetch (as Next.js calls it)": (progress) =>
    listen(http.createServer(nextListener(fetchProgress(progress, { base: BASE })))),
  "nextProgress (as Next.js calls it)": (progress) =>
    listen(http.createServer(nextListener(nextRoute(nextProgress(progress))))),
};

/** The ways to serve progress with `fetchProgress`, by name. */
export const FETCH_HOSTS: Readonly<Record<string, StartHost>> = {
  Hono: (progress) => listenHono(honoApp(progress)),
  "Hono on HTTP/2": (progress) => listenHono2(honoApp(progress)),
  "fetch (Hono)": (progress) => listenHono(honoFetchApp(progress)),
  "fetch (@hono/node-server)": (progress) =>
    listenHono({ fetch: fetchProgress(progress, { base: BASE }) }),
  "fetch (Hono on HTTP/2)": (progress) => listenHono2(honoFetchApp(progress)),
  "fetch (h3 2)": (progress) => {
    const answer = fetchProgress(progress, { base: BASE });
    const app = new H3().all("/**", (event) => answer(event.req));
    return listen(http.createServer(toNodeHandler(app)));
  },
  ...NEXT_HOSTS,
};

function honoApp(progress: DrainableProgress): Hono {
  return new Hono().use(honoProgress(progress, { base: BASE }));
}

function honoFetchApp(progress: DrainableProgress): Hono {
  const answer = fetchProgress(progress, { base: BASE });
  return new Hono().all(`${BASE}/*`, (context) => answer(context.req.raw, { raw: context }));
}

function listenHono({ fetch }: { fetch: FetchCallback }): Promise<Host> {
  return new Promise((resolve, reject) => {
    const server = serveHono({ fetch, port: 0, hostname: "127.0.0.1" }, () =>
      resolve(hostOf(server)),
    );
    server.once("error", reject);
  });
}

function listenHono2({ fetch }: Hono): Promise<Host> {
  return new Promise((resolve, reject) => {
    const { createServer } = http2;
    const options = { fetch, port: 0, hostname: "127.0.0.1", createServer } as const;
    const server = serveHono(options, () => resolve(hostOf(server, { connect: http2Client })));
    server.once("error", reject);
  });
}
