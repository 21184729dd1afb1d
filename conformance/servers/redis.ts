import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient } from "redis";

/** How a server is started. */
export interface RedisServerOptions {
  /** Whether its data outlive `stop()`, whatever the signal. @defaultValue `false` */
  readonly persistent?: boolean | undefined;
  /** Further arguments, such as `["--maxmemory", "100mb"]`. */
  readonly args?: readonly string[] | undefined;
}

/** A Redis server of a test's own, on the loopback. It ends with the process that started it, at the latest. */
export interface RedisServer {
  readonly port: number;
  readonly url: string;
  /** The process id; `undefined` while it is stopped. */
  pid(): number | undefined;
  /** Resolves when the process is gone. Idempotent. @param signal - @defaultValue `"SIGTERM"` */
  stop(signal?: NodeJS.Signals): Promise<void>;
  /** Starts it again after `stop()`, on the same port. Resolves when it answers. */
  start(): Promise<void>;
}

/** Some masters without replicas, which share the slots. */
export interface RedisCluster {
  readonly nodes: readonly RedisServer[];
  stop(): Promise<void>;
}

/** `redis-server`, or what `REDIS_SERVER_PATH` names. */
const BINARY = process.env.REDIS_SERVER_PATH ?? "redis-server";

/** Why there is no server to be had; `undefined` if there is one. In CI that is an error, not a reason to skip. */
export const REDIS_MISSING: string | undefined = missing();

function missing(): string | undefined {
  try {
    execFileSync(BINARY, ["--version"], { stdio: "ignore" });
    return undefined;
  } catch {
    const reason = `${BINARY} is missing: install redis-server, or set REDIS_SERVER_PATH`;
    if (process.env.CI) throw new Error(reason);
    return reason;
  }
}

/** What has to go when this process does: a test that is killed leaves neither a server nor a folder. */
const leftovers = new Set<() => void>();
process.once("exit", () => {
  for (const clean of leftovers) clean();
});

/** Starts a server on a free port. */
export async function startRedis(options: RedisServerOptions = {}): Promise<RedisServer> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await startOn(await freePort(), options);
    } catch (error) {
      // Another test took the port since it was looked at.
      if (tries === 5 || !String(error).includes("Address already in use")) throw error;
    }
  }
}

async function startOn(port: number, options: RedisServerOptions): Promise<RedisServer> {
  const folder = mkdtempSync(join(tmpdir(), "progress-redis-"));
  const args = argumentsOf(port, folder, options);
  let child: ChildProcess | undefined;
  leftovers.add(() => {
    child?.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  });

  async function start(): Promise<void> {
    if (child !== undefined) return;
    const started = spawn(BINARY, args, { stdio: ["ignore", "pipe", "pipe"] });
    child = started;
    await untilReady(started);
  }

  async function stop(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    const stopped = child;
    child = undefined;
    if (stopped === undefined || stopped.exitCode !== null || stopped.signalCode !== null) return;
    const gone = once(stopped, "exit");
    stopped.kill(signal);
    await gone;
  }

  await start();
  return { port, url: `redis://127.0.0.1:${port}`, pid: () => child?.pid, start, stop };
}

function argumentsOf(port: number, folder: string, options: RedisServerOptions): string[] {
  const { persistent = false, args = [] } = options;
  // Written before it is acknowledged, so that SIGKILL loses nothing either.
  const disk = persistent
    ? ["--appendonly", "yes", "--appendfsync", "always"]
    : ["--appendonly", "no"];
  const place = ["--port", `${port}`, "--bind", "127.0.0.1", "--dir", folder];
  return [...place, "--save", "", ...disk, ...args];
}

/** Waits for the line that says so; what else was said is told if the server ends before. */
function untilReady(server: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let said = "";
    const hear = (chunk: Buffer): void => {
      said += chunk;
      if (said.includes("Ready to accept connections")) resolve();
    };
    // Read to the end, or the server blocks on a full pipe.
    server.stdout?.on("data", hear);
    server.stderr?.on("data", hear);
    server.once("error", reject);
    server.once("exit", (code) => reject(new Error(`${BINARY} ended with ${code}: ${said}`)));
  });
}

/** One of which the port 10000 above is free, too, where a cluster's nodes talk; both below those that the system gives to connections. */
async function freePort(): Promise<number> {
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

/** Starts a cluster, and resolves when each node says that all slots are served. */
export async function startRedisCluster(size = 3): Promise<RedisCluster> {
  const args = ["--cluster-enabled", "yes", "--cluster-node-timeout", "2000"];
  const nodes = await Promise.all(Array.from({ length: size }, () => startRedis({ args })));
  await Promise.all(nodes.map((node, index) => takeShare(node, index, size)));
  const [first, ...others] = nodes;
  for (const { port } of others)
    if (first !== undefined) await ask(first, "CLUSTER", "MEET", "127.0.0.1", `${port}`);
  await Promise.all(nodes.map((node) => untilWhole(node, size)));
  return {
    nodes,
    async stop() {
      await Promise.all(nodes.map((node) => node.stop()));
    },
  };
}

/** Gives a node its share of the 16384 slots; it must not know another one yet. */
async function takeShare(node: RedisServer, index: number, size: number): Promise<void> {
  const from = Math.floor((16_384 * index) / size);
  const to = Math.floor((16_384 * (index + 1)) / size) - 1;
  await ask(node, "CLUSTER", "ADDSLOTSRANGE", `${from}`, `${to}`);
  await ask(node, "CLUSTER", "SET-CONFIG-EPOCH", `${index + 1}`);
}

async function untilWhole(node: RedisServer, size: number): Promise<void> {
  const until = performance.now() + 20_000;
  for (;;) {
    const info = String(await ask(node, "CLUSTER", "INFO"));
    const known = /cluster_known_nodes:(\d+)/.exec(info)?.[1];
    const slots = /cluster_slots_ok:(\d+)/.exec(info)?.[1];
    if (info.includes("cluster_state:ok") && slots === "16384" && known === `${size}`) return;
    if (performance.now() > until) throw new Error(`The cluster didn't form: ${info}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Removes the keys that match a pattern from each of some servers. */
export async function emptyRedis(servers: readonly RedisServer[], pattern: string): Promise<void> {
  for (const server of servers)
    for (const key of await keysIn(server, pattern)) await ask(server, "DEL", key);
}

/** The keys that match a pattern. */
export async function keysIn(server: RedisServer, pattern = "*"): Promise<readonly string[]> {
  return (await ask(server, "KEYS", pattern)) as string[];
}

/** Runs one command on a connection of its own. */
export async function ask(server: RedisServer, ...command: string[]): Promise<unknown> {
  const client = createClient({ url: server.url });
  client.on("error", () => {});
  await client.connect();
  try {
    return await client.sendCommand(command);
  } finally {
    client.destroy();
  }
}
