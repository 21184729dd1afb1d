import process from "node:process";
import { type Cluster, launchCluster } from "./launcher/cluster.js";
import { notice } from "./main.js";
import { InvalidSetting, portFrom, settingsFrom } from "./settings.js";

const MISSING =
  "A program is missing. Install redis-server and nginx (Debian: apt-get install redis-server nginx),\n" +
  "or set REDIS_SERVER_PATH and NGINX_PATH. To use a Redis that is already running, set REDIS_URL.";

async function start(): Promise<void> {
  const { env } = process;
  try {
    // Checked here first, so that the message appears once and not once per process.
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
    for (const { name, pid, exited } of [...cluster.webs, ...cluster.workers])
      void exited.then(() => {
        if (!stopping.aborted) notice(`${name} (${pid}) has ended; the others go on.`);
      });
    process.stdout.write(`Em Linh's video studio, on many processes: ${cluster.url}\n`);
  } catch (error) {
    if (!isExpected(error)) throw error;
    notice(error instanceof InvalidSetting ? error.message : `${error.message}\n${MISSING}`);
    process.exitCode = 1;
  }
}

function isExpected(error: unknown): error is Error {
  if (error instanceof InvalidSetting) return true;
  const cause = error instanceof Error ? (error.cause as NodeJS.ErrnoException) : undefined;
  return cause?.code === "ENOENT";
}

/** @returns a signal that aborts when the cluster begins to stop. */
function stopOnSignals(cluster: Cluster): AbortSignal {
  const stopping = new AbortController();
  const stop = async (): Promise<void> => {
    // A second signal comes from someone who does not want to wait.
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
