import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import http, { type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { type Contender, isOver256KiB, readersByTopic, topicOf } from "./contender.js";
import type { BenchEvent } from "./event.js";

/** The versions of the peers. They are installed into a temporary folder, so that they are no dependencies of ours. */
export const PEER_VERSIONS = {
  "better-sse": "0.16.1",
  "@fastify/sse": "0.6.0",
  fastify: "5.12.8",
} as const;

/** A folder in which the peers are installed. */
export interface PeerFolder {
  readonly path: string;
  remove(): void;
}

/** Installs the peers. Returns `undefined` after a message on stderr if that is not possible. */
export function installPeers(): PeerFolder | undefined {
  const path = mkdtempSync(join(tmpdir(), "bench-peers-"));
  const remove = () => rmSync(path, { recursive: true, force: true });
  writeFileSync(join(path, "package.json"), '{ "private": true, "type": "module" }\n');
  // An import from here finds the packages of this folder.
  writeFileSync(join(path, "load.js"), "export const load = (name) => import(name);\n");
  const packages = Object.entries(PEER_VERSIONS).map(([name, version]) => `${name}@${version}`);
  const options = ["--no-audit", "--no-fund", "--fetch-retries=0", "--ignore-scripts"];
  const { status, stderr, error } = spawnSync("npm", ["install", ...options, ...packages], {
    cwd: path,
    encoding: "utf8",
    timeout: 120_000,
  });
  if (status === 0) return { path, remove };
  remove();
  process.stderr.write(
    `The peers were not installed, so they are not measured. Check that the npm registry can be reached.\n` +
      `${error?.message ?? stderr}\n`,
  );
  return undefined;
}

async function load<Module>(folder: string, name: string): Promise<Module> {
  const loader = await import(pathToFileURL(join(folder, "load.js")).href);
  return loader.load(name);
}

interface BetterSse {
  createSession(req: IncomingMessage, res: ServerResponse): Promise<unknown>;
  createChannel(): {
    register(session: unknown): void;
    broadcast(data: unknown, name: string, options: { eventId: string }): void;
  };
}

/** A channel per topic. */
export async function betterSse(folder: string): Promise<Contender> {
  const { createChannel, createSession } = await load<BetterSse>(folder, "better-sse");
  const channels = new Map<number, ReturnType<BetterSse["createChannel"]>>();
  const server = http.createServer(async (req, res) => {
    const topic = topicOf(req.url);
    const channel = channels.get(topic) ?? createChannel();
    channels.set(topic, channel);
    channel.register(await createSession(req, res));
  });
  return {
    server,
    publish: (topic, event) =>
      channels.get(topic)?.broadcast(event, "message", { eventId: `${event.seq}` }),
    isFull: isOver256KiB,
    close: async () => server.closeAllConnections(),
  };
}

interface FastifyStream {
  keepAlive(): void;
  sendHeaders(): void;
  onClose(run: () => void): void;
  send(message: { id: string; data: BenchEvent }): Promise<void>;
}

interface FastifyApp {
  readonly server: Server;
  register(plugin: unknown): Promise<unknown>;
  get(
    path: string,
    options: { sse: string },
    handler: (
      request: { readonly url: string },
      reply: { readonly sse: FastifyStream; readonly raw: ServerResponse },
    ) => Promise<void>,
  ): void;
  ready(): Promise<unknown>;
}

/** The plugin has no channels: each reader is sent the event. */
export async function fastifySse(folder: string): Promise<Contender> {
  const { default: fastify } = await load<{ default: () => FastifyApp }>(folder, "fastify");
  const { default: plugin } = await load<{ default: unknown }>(folder, "@fastify/sse");
  const readers = readersByTopic<FastifyStream>();
  const app = fastify();
  await app.register(plugin);
  app.get("/progress/*", { sse: "only" }, async ({ url }, { sse, raw }) => {
    sse.keepAlive();
    sse.sendHeaders();
    raw.flushHeaders();
    sse.onClose(readers.add(topicOf(url), sse));
  });
  await app.ready();
  return {
    server: app.server,
    publish: (topic, event) =>
      Promise.all(
        Array.from(readers.of(topic), (sse) => sse.send({ id: `${event.seq}`, data: event })),
      ),
    isFull: isOver256KiB,
    close: async () => app.server.closeAllConnections(),
  };
}
