import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";

/** A setting with an invalid value. Its message is for the operator. */
export class InvalidSetting extends Error {
  override readonly name: string = "InvalidSetting";
}

/** The settings of web processes and workers. They must be the same in all processes. Durations are in milliseconds. */
export interface Settings {
  /** BullMQ's Redis. It also holds the jobs if the store is Redis. */
  readonly redisUrl: string;
  readonly store: "redis" | "postgres";
  /** The address of PostgreSQL, or `undefined` if the store is Redis. */
  readonly databaseUrl: string | undefined;
  /** The directory of the finished videos. Every process must be able to reach it. */
  readonly videoDir: string;
  /** Videos that are kept. Beyond that the oldest ones are removed. */
  readonly maxVideos: number;
  /** The directory in which a worker works, on its own machine. */
  readonly scratchDir: string;
  /** Videos that may wait. A request for another one is answered 429. */
  readonly maxWaiting: number;
  /** The number of times that BullMQ starts the work on a video, at most. */
  readonly attempts: number;
  /** BullMQ's lock. A worker that does not renew it within this time loses its job. */
  readonly lockMs: number;
  /** The time between BullMQ's checks for such jobs. */
  readonly stalledCheckMs: number;
  /** Our lease. After this time without a report readers see the job as stale, and after twice this time it is lost. */
  readonly leaseMs: number;
  /** A pipeline that sends no message for this time is killed. */
  readonly silenceMs: number;
}

/**
 * Reads the settings from the environment.
 *
 * @throws {@link InvalidSetting}, with the name and the value of the variable.
 */
export function settingsFrom(env: NodeJS.ProcessEnv): Settings {
  const number = (name: string, fallback: number, min = 1): number =>
    numberFrom(env, { name, fallback, min });
  const store = storeFrom(env);
  const settings: Settings = {
    redisUrl: env.REDIS_URL || "redis://127.0.0.1:6379",
    store,
    databaseUrl: store === "postgres" ? databaseFrom(env) : undefined,
    videoDir: env.VIDEO_DIR || fileURLToPath(new URL("../data/", import.meta.url)),
    maxVideos: number("MAX_VIDEOS", 200),
    scratchDir: env.SCRATCH_DIR || tmpdir(),
    maxWaiting: number("MAX_WAITING", 20),
    attempts: number("ATTEMPTS", 3),
    lockMs: number("LOCK_MS", 6_000, 100),
    stalledCheckMs: number("STALLED_CHECK_MS", 3_000, 100),
    leaseMs: number("LEASE_MS", 8_000, 300),
    silenceMs: number("SILENCE_MS", 60_000, 1_000),
  };
  checkLease(settings);
  return settings;
}

/** The port to listen on. */
export function portFrom(env: NodeJS.ProcessEnv): number {
  const port = numberFrom(env, { name: "PORT", fallback: 3000, min: 0 });
  if (port <= 65_535) return port;
  throw new InvalidSetting(`PORT is ${port}; it must be a number from 0 to 65535.`);
}

/** BullMQ must find the job of a dead worker before our sweep ends it, because an ended job has no further attempt. */
function checkLease({ leaseMs, lockMs, stalledCheckMs }: Settings): void {
  const foundMs = lockMs + 2 * stalledCheckMs;
  if (2 * leaseMs > foundMs) return;
  throw new InvalidSetting(
    `LEASE_MS is ${leaseMs}; twice that must be more than LOCK_MS plus twice STALLED_CHECK_MS, which is ${foundMs}. ` +
      "Otherwise a job is lost before BullMQ can try it again.",
  );
}

function storeFrom({ STORE: store = "redis" }: NodeJS.ProcessEnv): Settings["store"] {
  if (store === "redis" || store === "postgres") return store;
  throw new InvalidSetting(`STORE is ${JSON.stringify(store)}; it must be redis or postgres.`);
}

function databaseFrom({ DATABASE_URL: url }: NodeJS.ProcessEnv): string {
  if (url) return url;
  throw new InvalidSetting(
    "STORE is postgres, but DATABASE_URL is not set. " +
      "Set it to the address of a database, such as postgres://user@127.0.0.1:5432/studio.",
  );
}

interface NumberSetting {
  readonly name: string;
  readonly fallback: number;
  readonly min: number;
}

function numberFrom(env: NodeJS.ProcessEnv, { name, fallback, min }: NumberSetting): number {
  const text = env[name];
  if (text === undefined || text === "") return fallback;
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= min) return value;
  throw new InvalidSetting(
    `${name} is ${JSON.stringify(text)}; it must be a whole number of at least ${min}.`,
  );
}
