import type { ProgressError } from "@emlinh/progress-protocol";
import { storeUnavailable } from "../../shared/errors.js";

/**
 * Codes with which a server refuses a call before it has written anything, and after which the same call works once a
 * failover, a move of slots, a start or a slow script is over.
 */
const PASSING: ReadonlySet<string> = new Set([
  "BUSY",
  "CLUSTERDOWN",
  "LOADING",
  "MASTERDOWN",
  "NOREPLICAS",
  "READONLY",
  "TRYAGAIN",
]);

/** How to remove the cause of a refusal, by its code. */
const REMEDIES: Readonly<Record<string, string>> = {
  BUSY: "A script on the server runs for too long. Find it with SLOWLOG.",
  CLUSTERDOWN: "Check the nodes of the Cluster with CLUSTER INFO.",
  MISCONF: "The server can't save its data. See its log.",
  MOVED:
    "The server belongs to a Cluster. Pass its client: createCluster of node-redis, Cluster of ioredis.",
  NOREPLICAS: "Fewer replicas are connected than min-replicas-to-write requires.",
  OOM: "The memory of the server is full. Raise maxmemory, or shorten ttlMs.",
  READONLY:
    "The server is a replica, probably since a failover. Use a client for Sentinel or Cluster, or an address that " +
    "leads to the primary; the client has to connect again after a failover (ioredis: reconnectOnError).",
  TRYAGAIN: "A slot of the Cluster is being moved. Let the move end.",
};

/**
 * A Redis error begins with its code. Redis 6 puts a text of its own before the errors of commands in a script, and the
 * cluster client of ioredis before the error at which it gave up.
 */
const CODE =
  /^(?:ERR Error running script.*?: -|Too many Cluster redirections\. Last error: (?:\w*Error: )?)?([A-Z]+)\b/;

/** The code of an error reply; `undefined` if the error is none. */
export function refusalCode(error: unknown): string | undefined {
  return error instanceof Error ? CODE.exec(error.message)?.[1] : undefined;
}

/** Whether nothing was written, and the same call may work in a moment. */
export function mayPass(code: string | undefined): boolean {
  return code !== undefined && PASSING.has(code);
}

/** The error of a script that could not be run. */
export function scriptFailed(cause: unknown): ProgressError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  const remedy = REMEDIES[refusalCode(cause) ?? ""];
  return storeUnavailable(
    `redisStore: the call to Redis failed (${reason}). ${remedy ?? "Check that the server can be reached."}`,
    cause,
  );
}
