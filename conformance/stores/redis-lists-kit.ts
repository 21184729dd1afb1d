import type {
  NodeRedisClient,
  NodeRedisEval,
  NodeRedisSubscriber,
} from "@emlinh/progress-server/stores/redis";
import { type RedisServer, runCommand } from "../servers/redis.js";
import type { OpenedClient } from "./redis-clients.js";

/** The subject of the tests. */
export const SUBJECT = "user:42";

/** Names of a list's key and commands on it. */
export interface ListOnServer {
  readonly key: string;
  /** The entries, the newest first. */
  entries(): Promise<readonly string[]>;
  positionOf(jobId: string): Promise<number>;
  /** Adds entries of jobs that do not exist. @param ageMs - Milliseconds since they were added. */
  addStrays(count: number, ageMs: number): Promise<void>;
}

/** The list of {@link SUBJECT}. At least one job of the subject must have been created. */
export async function listOnServer(server: RedisServer, prefix: string): Promise<ListOnServer> {
  const [key = ""] = (await runCommand(server, "KEYS", `${prefix}:*:list:*`)) as string[];
  const entries = async (): Promise<readonly string[]> =>
    (await runCommand(server, "ZREVRANGE", key, "0", "-1")) as string[];
  return {
    key,
    entries,
    async positionOf(jobId) {
      const entry = (await entries()).find((text) => text.startsWith(`${jobId}.`)) ?? "";
      return Number(await runCommand(server, "ZSCORE", key, entry));
    },
    async addStrays(count, ageMs) {
      const script = `
        local time = redis.call('TIME')
        local at = time[1] * 1e6 + time[2] - ARGV[2] * 1000
        for by = 1, tonumber(ARGV[1]) do
          redis.call('ZADD', KEYS[1], string.format('%.0f', at - by), 'stray-' .. by .. '.' .. string.rep('0', 24))
        end`;
      await runCommand(server, "EVAL", script, "1", key, `${count}`, `${ageMs}`);
    },
  };
}

/** The number of runs of each command since the statistics were reset, also from scripts. */
async function commandCounts(server: RedisServer): Promise<Readonly<Record<string, number>>> {
  const stats = String(await runCommand(server, "INFO", "commandstats"));
  const counts = stats.matchAll(/cmdstat_([a-z]+):calls=(\d+)/g);
  return Object.fromEntries(Array.from(counts, ([, name, calls]) => [name, Number(calls)]));
}

/** Runs a call and returns the number of runs of each command that it led to. */
export async function countCommands(
  server: RedisServer,
  call: () => Promise<unknown>,
): Promise<Readonly<Record<string, number>>> {
  await runCommand(server, "CONFIG", "RESETSTAT");
  await call();
  return commandCounts(server);
}

/** Runs a script on the server, perhaps with other arguments. */
type RunOnServer = (options: NodeRedisEval) => Promise<unknown>;

/** A client whose scripts go through a function first, as if the network or the process had a say. */
export function interceptedClient(
  { client }: OpenedClient,
  intercept: (options: NodeRedisEval, run: RunOnServer) => Promise<unknown>,
): OpenedClient {
  const { evalSha, eval: evaluate, duplicate } = client as NodeRedisClient;
  const intercepted: NodeRedisClient = {
    evalSha: (sha, options) => intercept(options, (sent) => evalSha.call(client, sha, sent)),
    eval: (script, options) => intercept(options, (sent) => evaluate.call(client, script, sent)),
    duplicate: (overrides) => duplicate?.call(client, overrides) as NodeRedisSubscriber,
  };
  return { client: intercepted, subscriber: () => Promise.reject(new Error("unused")), close() {} };
}
