import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { InvalidSetting } from "../settings.js";
import { type Child, startNode } from "./child.js";
import { launchNginx } from "./nginx.js";
import { freePort, isListening } from "./ports.js";
import { launchRedis } from "./redis.js";

/** Options of {@link launchCluster}. */
export interface ClusterOptions {
  /** The settings of all processes, as in the README. Without `REDIS_URL`, a Redis is started too. */
  readonly env: NodeJS.ProcessEnv;
  /** The address and port of nginx. Port `0` for any free port. */
  readonly host: string;
  readonly port: number;
  readonly webs: number;
  readonly workers: number;
  /**
   * The directory of this package, with its built programs and nginx's file.
   *
   * @defaultValue the parent of the running file's folder
   */
  readonly root?: URL | undefined;
  /** Called with each line that a process prints. */
  readonly onLine: (name: string, line: string) => void;
}

/** The running processes. */
export interface Cluster {
  readonly url: string;
  readonly redisUrl: string;
  readonly webs: readonly (Child & { readonly url: string })[];
  readonly workers: readonly Child[];
  /**
   * Stops all processes and removes their files. Redis and nginx are stopped after the programs that use them.
   * Idempotent.
   */
  stop(): Promise<void>;
}

/**
 * Starts all processes. Resolves when the cluster serves requests.
 *
 * @throws {@link InvalidSetting} if the port is taken, or an error if a process does not start. Then no process is
 * left.
 */
export async function launchCluster(options: ClusterOptions): Promise<Cluster> {
  const { port } = options;
  // nginx tries for seconds to get a taken port, and in that time the other program would look like a ready nginx.
  if (port !== 0 && (await isListening(port)))
    throw new InvalidSetting(
      `PORT is ${port}, but another program listens on that port. Stop it, or choose another port: PORT=${port + 1}`,
    );
  const folder = await mkdtemp(join(tmpdir(), "video-studio-cluster-"));
  const programs: Child[] = [];
  const infrastructure: Child[] = [];

  async function stopAll(): Promise<void> {
    await Promise.all(programs.map((child) => child.stop()));
    await Promise.all(infrastructure.map((child) => child.stop()));
    await rm(folder, { recursive: true, force: true });
  }

  try {
    const started = await launch({ ...options, folder, programs, infrastructure });
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
  /** The web processes and workers that have been started. */
  readonly programs: Child[];
  /** Redis and nginx, once they have been started. */
  readonly infrastructure: Child[];
}

async function launch(options: Launch): Promise<Omit<Cluster, "stop">> {
  const { folder, infrastructure, host, env, root = new URL("../", import.meta.url) } = options;
  const linesOf = (name: string) => (line: string) => options.onLine(name, line);
  const redisUrl = env.REDIS_URL || (await startRedis(options));
  const { webs, workers } = await startPrograms({ ...options, root }, redisUrl);
  const port = options.port === 0 ? await freePort() : options.port;
  const servers = webs.map(({ url }) => new URL(url).host);
  infrastructure.push(
    await launchNginx({
      ...{ folder, host, port, servers, env, onLine: linesOf("nginx") },
      conf: new URL("nginx/studio.conf", root),
    }),
  );
  const name = host === "0.0.0.0" ? "localhost" : host;
  return { url: `http://${name}:${port}`, redisUrl, webs, workers };
}

async function startRedis({ env, infrastructure, onLine }: Launch): Promise<string> {
  const { child, url } = await launchRedis(env, (line) => onLine("redis", line));
  infrastructure.push(child);
  return url;
}

async function startPrograms(
  options: Launch & { readonly root: URL },
  redisUrl: string,
): Promise<Pick<Cluster, "webs" | "workers">> {
  const { root, folder, programs, onLine } = options;
  const env: NodeJS.ProcessEnv = {
    SCRATCH_DIR: join(folder, "scratch"),
    ...options.env,
    ...{ REDIS_URL: redisUrl, PORT: "0", HOST: "127.0.0.1" },
  };

  async function program<Ready>(file: string, name: string): Promise<Child & Ready> {
    const path = fileURLToPath(new URL(`dist/${file}`, root));
    const { child, ready } = await startNode<Ready>(path, {
      ...{ name, env, onLine: (line) => onLine(name, line) },
    });
    programs.push(child);
    return { ...child, ...ready };
  }

  const names = (count: number, name: string): readonly string[] =>
    Array.from({ length: count }, (_, index) => `${name} ${index + 1}`);
  const [webs, workers] = await Promise.all([
    Promise.all(
      names(options.webs, "web").map((name) => program<{ readonly url: string }>("web.js", name)),
    ),
    Promise.all(names(options.workers, "worker").map((name) => program<object>("worker.js", name))),
  ]);
  return { webs, workers };
}
