import process from "node:process";
import { type Cluster, launchCluster } from "./launcher/cluster.js";
import { notice } from "./main.js";
import { portFrom, settingsFrom, WrongSetting } from "./settings.js";

const MISSING = `A program is missing. Install redis-server and nginx (Debian: apt-get install redis-server nginx), or name them by REDIS_SERVER_PATH and
NGINX_PATH; REDIS_URL uses a Redis that runs already.`;

async function start(): Promise<void> {
  const { env } = process;
  try {
    // Said here once, and not by each process.
    settingsFrom(env);
    const cluster = await launchCluster({
      env,
      host: env.HOST || "0.0.0.0",
      port: portFrom(env),
      webs: 2,
      workers: 2,
      onLine: (name, line) => notice(`${name}: ${line}`),
    });
    const stopping = stopOnSignals(cluster);
    for (const { name, pid, gone } of [...cluster.webs, ...cluster.workers])
      void gone.then(() => {
        if (!stopping.aborted) notice(`${name} (${pid}) has ended; the others go on.`);
      });
    process.stdout.write(`Em Linh's video studio, on many processes: ${cluster.url}\n`);
  } catch (error) {
    if (!isExpected(error)) throw error;
    notice(error instanceof WrongSetting ? error.message : `${error.message}\n${MISSING}`);
    process.exitCode = 1;
  }
}

function isExpected(error: unknown): error is Error {
  if (error instanceof WrongSetting) return true;
  const cause = error instanceof Error ? (error.cause as NodeJS.ErrnoException) : undefined;
  return cause?.code === "ENOENT";
}

/** @returns A signal that aborts when all of it is about to end. */
function stopOnSignals(cluster: Cluster): AbortSignal {
  const stopping = new AbortController();
  const stop = async (): Promise<void> => {
    // A second signal is from somebody who does not want to wait.
    if (stopping.signal.aborted) process.exit(1);
    stopping.abort();
    await cluster.stop();
    process.exit(0);
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.on(signal, () => void stop());
  return stopping.signal;
}

await start();
