import { hexOf } from "../../shared/ids.js";
import { backoffDelayMs, elapsed } from "../../shared/time.js";
import { isCluster, isIoRedis, type NodeRedisClient, type RedisClient } from "./client.js";
import type { RedisScript } from "./lua/scripts.js";
import { reconnector } from "./reconnect.js";
import { mayPass, refusalCode, scriptFailed } from "./server-refusals.js";

/** Runs a script. Resolves with its reply as the client returns it. */
export type RunScript = (script: RedisScript, keys: string[], args: string[]) => Promise<unknown>;

/** Runs a script by its hash or by its source. */
type Evaluate = (script: string, keys: string[], args: string[]) => Promise<unknown>;

interface ScriptCommands {
  readonly byHash: Evaluate;
  readonly bySource: Evaluate;
}

/** Milliseconds for which a script is tried again. A call runs two or three in a row, and the core waits for 10 s. */
const PATIENCE_MS = 3_000;

/** The waits between two tries. */
const BACKOFF = { firstMs: 50, maxMs: 500 };

/**
 * Returns the function that runs scripts on a client: by their hash, and by their source if the server does not know
 * the hash.
 *
 * A refusal that passes, as during a failover, is tried again for {@link PATIENCE_MS}. A lost connection is not: it is
 * unknown whether the script ran.
 *
 * The function rejects with a ProgressError `store-unavailable`.
 */
export function scriptRunner(client: RedisClient): RunScript {
  const runOnce = singleRun(scriptCommands(client));
  const reconnect = reconnector(client);
  return async (script, keys, args) => {
    const since = elapsed();
    for (let failures = 1; ; failures += 1) {
      try {
        return await runOnce(script, keys, args);
      } catch (error) {
        const code = refusalCode(error);
        const waitMs = backoffDelayMs(failures, BACKOFF, Math.random);
        if (!mayPass(code) || elapsed() - since + waitMs > PATIENCE_MS) throw scriptFailed(error);
        if (code === "READONLY") reconnect();
        // The timer holds the process, because somebody waits for the call.
        await new Promise((resolve) => setTimeout(resolve, waitMs));
      }
    }
  };
}

function singleRun({ byHash, bySource }: ScriptCommands): RunScript {
  return async (script, keys, args) => {
    script.sha ??= await sha1(script.source);
    try {
      return await byHash(script.sha, keys, args);
    } catch (error) {
      // A server loses its scripts in a restart, and a promoted replica may not have them.
      if (refusalCode(error) !== "NOSCRIPT") throw error;
      return await bySource(script.source, keys, args);
    }
  };
}

function scriptCommands(client: RedisClient): ScriptCommands {
  if (isIoRedis(client))
    return {
      byHash: (sha, keys, args) => client.evalsha(sha, keys.length, ...keys, ...args),
      bySource: (source, keys, args) => client.eval(source, keys.length, ...keys, ...args),
    };
  if (isCluster(client) && !("destroy" in client)) return cluster4Commands(client);
  return {
    byHash: (sha, keys, args) => client.evalSha(sha, { keys, arguments: args }),
    bySource: (source, keys, args) => client.eval(source, { keys, arguments: args }),
  };
}

/** The part of the cluster client of node-redis 4 that is used. */
interface NodeRedisCluster4 {
  sendCommand(firstKey: string | undefined, isReadonly: boolean, args: string[]): Promise<unknown>;
}

/**
 * The cluster client of node-redis 4 mistakes another argument of a script for its first key, and so asks a random
 * node. Raw commands go to the right one.
 */
function cluster4Commands(client: NodeRedisClient): ScriptCommands {
  const cluster = client as unknown as NodeRedisCluster4;
  const evaluate =
    (command: string): Evaluate =>
    (script, keys, args) =>
      cluster.sendCommand(keys[0], false, [command, script, `${keys.length}`, ...keys, ...args]);
  return { byHash: evaluate("EVALSHA"), bySource: evaluate("EVAL") };
}

async function sha1(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-1", new TextEncoder().encode(text));
  return hexOf(new Uint8Array(digest));
}
