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
    const launching = launchCluster({
      env,
      host: env.HOST || "0.0.0.0",
      port: portFrom(env),
      webs: 2,
      workers: 2,
      onLine: (name, line) => notice(`${name}: ${line}`),
    });
    stopOnSignals(launching);
    const { url } = await launching;
    process.stdout.write(`Em Linh's video studio, on many processes: ${url}\n`);
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

/** A signal stops all processes, also while they are being started. */
function stopOnSignals(launching: Promise<Cluster>): void {
  let isStopping = false;
  const stop = async (): Promise<void> => {
    // A second signal comes from someone who does not want to wait.
    if (isStopping) process.exit(1);
    isStopping = true;
    // If the start fails, it leaves no process, and `start` reports it.
    const cluster = await launching.catch(() => undefined);
    await cluster?.stop();
    if (cluster !== undefined) process.exit(0);
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.on(signal, () => void stop());
}

await start();
