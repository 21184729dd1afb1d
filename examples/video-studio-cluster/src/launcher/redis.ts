import { type Child, startProgram } from "./child.js";
import { freePort, isListening } from "./ports.js";

/** A Redis for as long as the cluster lives: it keeps nothing on disk. */
export interface LaunchedRedis {
  readonly child: Child;
  readonly url: string;
}

/** Starts the `redis-server` of the `PATH`, or the one that `REDIS_SERVER_PATH` names, at a free port. */
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
      // A queue that forgets jobs to make room is none.
      ...["--maxmemory-policy", "noeviction", "--loglevel", "warning"],
    ],
    env,
    onLine,
    isReady: () => isListening(port),
  });
  return { child, url: `redis://127.0.0.1:${port}` };
}
