import { mkdir } from "node:fs/promises";
import { type Child, startProgram } from "./child.js";
import { isListening } from "./ports.js";

/** Options of {@link launchRedis}. */
export interface RedisOptions {
  readonly port: number;
  /** The directory of its data. A Redis that starts in it again has the same jobs. */
  readonly folder: string;
  readonly env: NodeJS.ProcessEnv;
  readonly onLine: (line: string) => void;
}

/** Starts `redis-server` from the `PATH`, or the program in `REDIS_SERVER_PATH`. */
export async function launchRedis({ port, folder, env, onLine }: RedisOptions): Promise<Child> {
  await mkdir(folder, { recursive: true });
  return startProgram({
    name: "redis",
    command: env.REDIS_SERVER_PATH ?? "redis-server",
    args: [
      ...["--port", `${port}`, "--bind", "127.0.0.1", "--dir", folder],
      // Redis passes each write to the system before it answers, so a killed Redis loses nothing.
      ...["--appendonly", "yes", "--appendfsync", "no", "--save", ""],
      // Redis must not evict keys: the queue would lose jobs.
      ...["--maxmemory-policy", "noeviction", "--loglevel", "warning"],
    ],
    env,
    onLine,
    isReady: () => isListening(port),
  });
}
