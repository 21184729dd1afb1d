import { ProgressError } from "@emlinh/progress-protocol";
import { textOf } from "./client.js";

/**
 * Checks once whether the server evicts keys when its memory is full, and reports it as `store-misconfigured`: jobs
 * would disappear while they run and are watched.
 *
 * @param memoryInfo - Resolves with the server's `INFO memory`.
 */
export function warnOfEviction(
  memoryInfo: () => Promise<unknown>,
  onError: (error: ProgressError) => void,
): void {
  memoryInfo().then(
    (reply) => {
      const info = textOf(reply);
      const maxMemoryBytes = Number(/^maxmemory:(\d+)/m.exec(info)?.[1] ?? 0);
      const policy = /^maxmemory_policy:([\w-]+)/m.exec(info)?.[1];
      if (maxMemoryBytes > 0 && policy !== undefined && policy !== "noeviction")
        onError(evictsJobs(policy, maxMemoryBytes));
    },
    // The check is only advice. A server that refuses INFO works all the same, and one that can't be reached fails
    // the calls themselves.
    () => {},
  );
}

function evictsJobs(policy: string, maxMemoryBytes: number): ProgressError {
  return new ProgressError("store-misconfigured", {
    message:
      `redisStore: the server's maxmemory-policy is "${policy}", so it removes jobs once it uses ` +
      `${maxMemoryBytes} bytes. Set maxmemory-policy to "noeviction".`,
    details: { policy, maxMemoryBytes },
  });
}
