import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { InvalidSetting } from "../settings.js";
import { startNode } from "./child.js";
import { launchNginx } from "./nginx.js";
import { freePort, isListening } from "./ports.js";
import { launchRedis } from "./redis.js";
import { RESTART_POLICY, type RestartPolicy, type Supervised, supervise } from "./supervised.js";

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
  /** @defaultValue {@link RESTART_POLICY} */
  readonly restart?: RestartPolicy | undefined;
  /** Called with each line that a process prints, and with those of the launcher about its processes. */
  readonly onLine: (name: string, line: string) => void;
}

/** The running processes. One that exits is started again, at the same address. */
export interface Cluster {
  readonly url: string;
  readonly redisUrl: string;
  readonly webs: readonly Supervised[];
  readonly workers: readonly Supervised[];
  readonly nginx: Supervised;
  /** `undefined` if `REDIS_URL` names a Redis that already runs. */
  readonly redis: Supervised | undefined;
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
  const programs: Supervised[] = [];
  const infrastructure: Supervised[] = [];

  async function stopAll(): Promise<void> {
    await Promise.all(programs.map((program) => program.stop()));
    await Promise.all(infrastructure.map((program) => program.stop()));
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
  readonly programs: Supervised[];
  /** Redis and nginx, once they have been started. */
  readonly infrastructure: Supervised[];
}

async function launch(options: Launch): Promise<Omit<Cluster, "stop">> {
  const { env, root = new URL("../", import.meta.url) } = options;
  const redis = env.REDIS_URL ? undefined : await startRedis(options);
  const redisUrl = redis?.url ?? env.REDIS_URL ?? "";
  const { webs, workers } = await startPrograms({ ...options, root }, redisUrl);
  const servers = webs.map(({ url }) => new URL(url).host);
  const { url, nginx } = await startNginx({ ...options, root }, servers);
  return {
    ...{ url, redisUrl, nginx, redis: redis?.supervised },
    webs: webs.map(({ supervised }) => supervised),
    workers: workers.map(({ supervised }) => supervised),
  };
}

async function startRedis(
  options: Launch,
): Promise<{ readonly supervised: Supervised; readonly url: string }> {
  const { env, infrastructure, restart: policy = RESTART_POLICY } = options;
  const onLine = linesOf(options, "redis");
  const port = await freePort();
  const folder = join(options.folder, "redis");
  const supervised = await supervise({
    ...{ name: "redis", policy, onLine: linesOf(options) },
    start: () => launchRedis({ port, folder, env, onLine }),
  });
  infrastructure.push(supervised);
  const url = `redis://127.0.0.1:${port}`;
  onLine(`Redis ${supervised.pid}: ${url}`);
  return { supervised, url };
}

async function startNginx(
  options: Launch & { readonly root: URL },
  servers: readonly string[],
): Promise<{ readonly nginx: Supervised; readonly url: string }> {
  const { folder, host, env, root, infrastructure, restart: policy = RESTART_POLICY } = options;
  const onLine = linesOf(options, "nginx");
  const port = options.port === 0 ? await freePort() : options.port;
  const conf = new URL("nginx/studio.conf", root);
  const nginx = await supervise({
    ...{ name: "nginx", policy, onLine: linesOf(options) },
    start: () => launchNginx({ folder, host, port, servers, env, onLine, conf }),
  });
  infrastructure.push(nginx);
  onLine(`nginx ${nginx.pid}: in front of ${servers.join(" and ")}`);
  return { nginx, url: `http://${host === "0.0.0.0" ? "localhost" : host}:${port}` };
}

interface Program {
  readonly supervised: Supervised;
  /** The address of a web process, otherwise an empty string. */
  readonly url: string;
}

async function startPrograms(
  options: Launch & { readonly root: URL },
  redisUrl: string,
): Promise<{ readonly webs: readonly Program[]; readonly workers: readonly Program[] }> {
  const { root, folder, programs, restart: policy = RESTART_POLICY } = options;
  const env: NodeJS.ProcessEnv = {
    SCRATCH_DIR: join(folder, "scratch"),
    ...options.env,
    ...{ REDIS_URL: redisUrl, HOST: "127.0.0.1" },
  };

  async function program(file: string, name: string): Promise<Program> {
    const path = fileURLToPath(new URL(`dist/${file}`, root));
    const onLine = linesOf(options, name);
    // nginx knows the port of the first start, so each later one takes it again.
    let port = "0";
    let url = "";
    const supervised = await supervise({
      ...{ name, policy, onLine: linesOf(options) },
      async start() {
        const { child, ready } = await startNode<{ readonly url?: string }>(path, {
          ...{ name, env: { ...env, PORT: port }, onLine },
        });
        if (ready.url !== undefined) {
          url = ready.url;
          port = new URL(url).port;
        }
        return child;
      },
    });
    programs.push(supervised);
    return { supervised, url };
  }

  const all = (count: number, file: string, name: string): Promise<Program>[] =>
    Array.from({ length: count }, (_, index) => program(file, `${name} ${index + 1}`));
  const webs = all(options.webs, "web.js", "web");
  const workers = all(options.workers, "worker.js", "worker");
  // If one of them does not start, the others must have started before they can be stopped.
  await Promise.allSettled([...webs, ...workers]);
  return { webs: await Promise.all(webs), workers: await Promise.all(workers) };
}

/** Passes lines on under a name. */
function linesOf({ onLine }: ClusterOptions, name = "cluster"): (line: string) => void {
  return (line) => onLine(name, line);
}
