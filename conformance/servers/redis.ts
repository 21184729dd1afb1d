import { type ChildProcess, spawn } from "node:child_process";
import { createServer } from "node:net";
import { createClient } from "redis";
import { type ServerFolder, serverFolder } from "./server-folder.js";
import { missingBinary, stopProcess, untilOutput } from "./server-process.js";

/** The options of a server. */
export interface RedisServerOptions {
  /** Whether its data survive `stop()` with any signal. @defaultValue `false` */
  readonly persistent?: boolean | undefined;
  /** More arguments, such as `["--maxmemory", "100mb"]`. */
  readonly args?: readonly string[] | undefined;
}

/** A Redis server of one test, on the loopback interface. It ends at the latest with the process that started it. */
export interface RedisServer {
  readonly port: number;
  readonly url: string;
  /** The process id; `undefined` while it is stopped. */
  pid(): number | undefined;
  /** Resolves when the process has exited. Idempotent. @param signal - @defaultValue `"SIGTERM"` */
  stop(signal?: NodeJS.Signals): Promise<void>;
  /** Starts it again after `stop()`, on the same port. Resolves when it accepts connections. */
  start(): Promise<void>;
}

/** Masters without replicas that share the slots. */
export interface RedisCluster {
  readonly nodes: readonly RedisServer[];
  stop(): Promise<void>;
}

/** `redis-server`, or the value of `REDIS_SERVER_PATH`. */
const BINARY = process.env.REDIS_SERVER_PATH ?? "redis-server";

/**
 * The reason why no server is available; `undefined` if one is. In CI a missing server is an error, not a reason to
 * skip.
 */
export const REDIS_MISSING: string | undefined = missingBinary({
  binary: BINARY,
  versionFlag: "--version",
  remedy: "install redis-server, or set REDIS_SERVER_PATH",
  isRequiredInCi: true,
});

/** Starts a server on a free port. */
export async function startRedis(options: RedisServerOptions = {}): Promise<RedisServer> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await startOn(await freeClusterPort(), options);
    } catch (error) {
      // Another test took the port after it was checked.
      if (tries === 5 || !String(error).includes("Address already in use")) throw error;
    }
  }
}

async function startOn(port: number, options: RedisServerOptions): Promise<RedisServer> {
  const folder = serverFolder("redis");
  const args = argumentsOf(port, folder, options);
  let child: ChildProcess | undefined;

  async function start(): Promise<void> {
    if (child !== undefined) return;
    const started = spawn(BINARY, args, { stdio: ["ignore", "pipe", "pipe"] });
    child = started;
    folder.guard(started);
    await untilOutput(started, "Ready to accept connections");
  }

  async function stop(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    const stopped = child;
    child = undefined;
    // A server that runs a script for ever, or that is stopped, ends by SIGKILL only.
    await stopProcess(stopped, signal, 1_000);
  }

  await start();
  return { port, url: `redis://127.0.0.1:${port}`, pid: () => child?.pid, start, stop };
}

function argumentsOf(port: number, folder: ServerFolder, options: RedisServerOptions): string[] {
  const { persistent = false, args = [] } = options;
  // Written before it is acknowledged, so that nothing is lost with SIGKILL either.
  const persistence = persistent
    ? ["--appendonly", "yes", "--appendfsync", "always"]
    : ["--appendonly", "no"];
  const address = ["--port", `${port}`, "--bind", "127.0.0.1", "--dir", folder.path];
  return [...address, "--save", "", ...persistence, ...args];
}

/**
 * A free port. The port 10000 above it, which a cluster's nodes use among themselves, is free too. Both are below the
 * ephemeral ports.
 */
async function freeClusterPort(): Promise<number> {
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * 12_000);
    if ((await isFree(port)) && (await isFree(port + 10_000))) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", () => resolve(false));
    probe.listen(port, "127.0.0.1", () => probe.close(() => resolve(true)));
  });
}

/** Starts a cluster. Resolves when each node reports that all slots are served. */
export async function startRedisCluster(size = 3): Promise<RedisCluster> {
  // A node that is alone does not know its address.
  const address = ["--cluster-announce-ip", "127.0.0.1"];
  const args = ["--cluster-enabled", "yes", "--cluster-node-timeout", "2000", ...address];
  const nodes = await Promise.all(Array.from({ length: size }, () => startRedis({ args })));
  await Promise.all(nodes.map((node, index) => assignSlots(node, index, size)));
  const [first, ...others] = nodes;
  for (const { port } of others)
    if (first !== undefined) await runCommand(first, "CLUSTER", "MEET", "127.0.0.1", `${port}`);
  await Promise.all(nodes.map((node) => untilComplete(node, size)));
  return {
    nodes,
    async stop() {
      await Promise.all(nodes.map((node) => node.stop()));
    },
  };
}

/** Assigns a node its share of the 16384 slots. It must not know another node yet. */
async function assignSlots(node: RedisServer, index: number, size: number): Promise<void> {
  const from = Math.floor((16_384 * index) / size);
  const to = Math.floor((16_384 * (index + 1)) / size) - 1;
  await runCommand(node, "CLUSTER", "ADDSLOTSRANGE", `${from}`, `${to}`);
  await runCommand(node, "CLUSTER", "SET-CONFIG-EPOCH", `${index + 1}`);
}

async function untilComplete(node: RedisServer, size: number): Promise<void> {
  const until = performance.now() + 20_000;
  for (;;) {
    const info = String(await runCommand(node, "CLUSTER", "INFO"));
    const known = /cluster_known_nodes:(\d+)/.exec(info)?.[1];
    const slots = /cluster_slots_ok:(\d+)/.exec(info)?.[1];
    if (info.includes("cluster_state:ok") && slots === "16384" && known === `${size}`) return;
    if (performance.now() > until)
      throw new Error(`The cluster is not complete after 20 s: ${info}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Removes the keys that match a pattern from each server. */
export async function emptyRedis(servers: readonly RedisServer[], pattern: string): Promise<void> {
  for (const server of servers)
    for (const key of await keysIn(server, pattern)) await runCommand(server, "DEL", key);
}

/** The keys that match a pattern. */
export async function keysIn(server: RedisServer, pattern = "*"): Promise<readonly string[]> {
  return (await runCommand(server, "KEYS", pattern)) as string[];
}

/** Runs one command on a new connection. */
export async function runCommand(server: RedisServer, ...command: string[]): Promise<unknown> {
  const client = createClient({ url: server.url });
  client.on("error", () => {});
  await client.connect();
  try {
    return await client.sendCommand(command);
  } finally {
    client.destroy();
  }
}
