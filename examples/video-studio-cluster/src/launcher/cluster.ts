import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { WrongSetting } from "../settings.js";
import { type Child, startNode } from "./child.js";
import { launchNginx } from "./nginx.js";
import { freePort, isListening } from "./ports.js";
import { launchRedis } from "./redis.js";

/** What {@link launchCluster} takes. */
export interface ClusterOptions {
  /** The settings of all processes, as in the README; `REDIS_URL` where a Redis is to be used that runs already. */
  readonly env: NodeJS.ProcessEnv;
  /** Where nginx listens; port `0` for any that is free. */
  readonly host: string;
  readonly port: number;
  readonly webs: number;
  readonly workers: number;
  /** This package's directory, with the built programs and nginx's file in it. @defaultValue the one above the running file's */
  readonly root?: URL | undefined;
  /** Told of each line that a process prints. */
  readonly onLine: (name: string, line: string) => void;
}

/** All that runs. */
export interface Cluster {
  readonly url: string;
  readonly redisUrl: string;
  readonly webs: readonly (Child & { readonly url: string })[];
  readonly workers: readonly Child[];
  /** Ends all processes, in an order in which none misses another, and removes their files. Idempotent. */
  stop(): Promise<void>;
}

/** Starts it all. Resolves when it serves. @throws {@link WrongSetting} if the port is taken; if a process does not start. Then none is left. */
export async function launchCluster(options: ClusterOptions): Promise<Cluster> {
  const { port } = options;
  // Nginx tries again for seconds, and who looks whether it listens finds the other program.
  if (port !== 0 && (await isListening(port)))
    throw new WrongSetting(
      `PORT is ${port}, where another program listens. Stop that one, or choose another port: PORT=${port + 1}`,
    );
  const folder = await mkdtemp(join(tmpdir(), "video-studio-cluster-"));
  const ours: Child[] = [];
  const others: Child[] = [];

  async function stopAll(): Promise<void> {
    await Promise.all(ours.map((child) => child.stop()));
    await Promise.all(others.map((child) => child.stop()));
    await rm(folder, { recursive: true, force: true });
  }

  try {
    const started = await launch({ ...options, folder, ours, others });
    let stopping: Promise<void> | undefined;
    return {
      ...started,
      stop() {
        stopping ??= stopAll();
        return stopping;
      },
    };
  } catch (error) {
    await stopAll();
    throw error;
  }
}

interface Launch extends ClusterOptions {
  readonly folder: string;
  /** What was started so far: our programs, and those that they need. */
  readonly ours: Child[];
  readonly others: Child[];
}

async function launch(options: Launch): Promise<Omit<Cluster, "stop">> {
  const { folder, ours, others, host, onLine, root = new URL("../", import.meta.url) } = options;
  const lines = (name: string) => (line: string) => onLine(name, line);
  const redisUrl = options.env.REDIS_URL || (await redis());
  const env: NodeJS.ProcessEnv = {
    SCRATCH_DIR: join(folder, "scratch"),
    ...options.env,
    ...{ REDIS_URL: redisUrl, PORT: "0", HOST: "127.0.0.1" },
  };

  async function redis(): Promise<string> {
    const { child, url } = await launchRedis(options.env, lines("redis"));
    others.push(child);
    return url;
  }

  async function program<Ready>(file: string, name: string): Promise<Child & Ready> {
    const path = fileURLToPath(new URL(`dist/${file}`, root));
    const { child, ready } = await startNode<Ready>(path, { name, env, onLine: lines(name) });
    ours.push(child);
    return { ...child, ...ready };
  }

  const named = (count: number, name: string): readonly string[] =>
    Array.from({ length: count }, (_, index) => `${name} ${index + 1}`);
  const [webs, workers] = await Promise.all([
    Promise.all(
      named(options.webs, "web").map((name) => program<{ readonly url: string }>("web.js", name)),
    ),
    Promise.all(named(options.workers, "worker").map((name) => program<object>("worker.js", name))),
  ]);
  const port = options.port === 0 ? await freePort() : options.port;
  const servers = webs.map(({ url }) => new URL(url).host);
  others.push(
    await launchNginx({
      ...{ folder, host, port, servers, env: options.env, onLine: lines("nginx") },
      conf: new URL("nginx/studio.conf", root),
    }),
  );
  const name = host === "0.0.0.0" ? "localhost" : host;
  return { url: `http://${name}:${port}`, redisUrl, webs, workers };
}
