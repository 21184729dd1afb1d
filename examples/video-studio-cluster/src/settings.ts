import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";

/** A setting that can't be meant. Its message is for whoever started the program. */
export class WrongSetting extends Error {
  override readonly name: string = "WrongSetting";
}

/** What web processes and workers have in common. All of them must be told the same. Durations are milliseconds. */
export interface Settings {
  /** BullMQ's, and the jobs' too where they are kept in Redis. */
  readonly redisUrl: string;
  readonly store: "redis" | "postgres";
  /** PostgreSQL's; `undefined` where the store is Redis. */
  readonly databaseUrl: string | undefined;
  /** The finished videos, in a directory that every process reaches. */
  readonly videoDir: string;
  /** The newest videos that stay. */
  readonly maxVideos: number;
  /** Where a worker works, on its own machine. */
  readonly scratchDir: string;
  /** Videos that may wait; one more is answered 429. */
  readonly maxWaiting: number;
  /** How often BullMQ starts the work on a video, at most. */
  readonly attempts: number;
  /** BullMQ's lock: a worker that doesn't renew it for so long has lost its job. */
  readonly lockMs: number;
  /** How often BullMQ looks for such jobs. */
  readonly stalledCheckMs: number;
  /** Our lease: readers see a job as stale after so long without a word, and it is lost after twice that. */
  readonly leaseMs: number;
  /** A pipeline that says nothing for so long hangs. */
  readonly silenceMs: number;
}

/**
 * Reads the settings from the environment.
 *
 * @throws {@link WrongSetting}, naming the variable and its value.
 */
export function settingsFrom(env: NodeJS.ProcessEnv): Settings {
  const number = (name: string, fallback: number, least = 1): number =>
    numberFrom(env, { name, fallback, least });
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

/** The port to listen at. */
export function portFrom(env: NodeJS.ProcessEnv): number {
  const port = numberFrom(env, { name: "PORT", fallback: 3000, least: 0 });
  if (port <= 65_535) return port;
  throw new WrongSetting(`PORT is ${port}; it must be a number from 0 to 65535.`);
}

/** What was lost must be found by BullMQ, which tries it again, before our sweep ends it: after its end there is no other attempt. */
function checkLease({ leaseMs, lockMs, stalledCheckMs }: Settings): void {
  const found = lockMs + 2 * stalledCheckMs;
  if (2 * leaseMs > found) return;
  throw new WrongSetting(
    `LEASE_MS is ${leaseMs}; twice that must be more than LOCK_MS and twice STALLED_CHECK_MS, which are ${found} together: else a job is lost before BullMQ can try it again.`,
  );
}

function storeFrom({ STORE: store = "redis" }: NodeJS.ProcessEnv): Settings["store"] {
  if (store === "redis" || store === "postgres") return store;
  throw new WrongSetting(`STORE is ${JSON.stringify(store)}; it must be redis or postgres.`);
}

function databaseFrom({ DATABASE_URL: url }: NodeJS.ProcessEnv): string {
  if (url) return url;
  throw new WrongSetting(
    "STORE is postgres, and DATABASE_URL is not set: give the address of a database, such as postgres://user@127.0.0.1:5432/studio.",
  );
}

interface NumberSetting {
  readonly name: string;
  readonly fallback: number;
  readonly least: number;
}

function numberFrom(env: NodeJS.ProcessEnv, { name, fallback, least }: NumberSetting): number {
  const text = env[name];
  if (text === undefined || text === "") return fallback;
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw new WrongSetting(
    `${name} is ${JSON.stringify(text)}; it must be a whole number from ${least}.`,
  );
}
