import { type Child, startProgram } from "./child.js";
import { freePort, isListening } from "./ports.js";

/** A Redis that runs as long as the cluster. It writes nothing to disk. */
export interface LaunchedRedis {
  readonly child: Child;
  readonly url: string;
}

/** Starts `redis-server` from the `PATH`, or the program in `REDIS_SERVER_PATH`, on a free port. */
export async function launchRedis(
  env: NodeJS.ProcessEnv,
  onLine: (line: string) => void,
): Promise<LaunchedRedis> {
  const port = await freePort();
  const child = await startProgram({
    name: "redis-server",
    command: env.REDIS_SERVER_PATH ?? "redis-server",
    args: [
      ...["--port", `${port}`, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"],
      // Redis must not evict keys: the queue would lose jobs.
      ...["--maxmemory-policy", "noeviction", "--loglevel", "warning"],
    ],
    env,
    onLine,
    isReady: () => isListening(port),
  });
  return { child, url: `redis://127.0.0.1:${port}` };
}
