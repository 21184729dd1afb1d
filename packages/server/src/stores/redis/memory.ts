import { ProgressError } from "@emlinh/progress-protocol";
import { textOf } from "./client.js";

/**
 * Looks once whether the server removes keys when its memory is full, which takes jobs away from under their readers; and says so if it does.
 *
 * @param ask - Gives the server's INFO about memory.
 */
export function warnOfEviction(
  ask: () => Promise<unknown>,
  onError: (error: ProgressError) => void,
): void {
  ask().then(
    (info) => {
      const text = textOf(info);
      const bytes = Number(/^maxmemory:(\d+)/m.exec(text)?.[1] ?? 0);
      const policy = /^maxmemory_policy:([\w-]+)/m.exec(text)?.[1];
      if (bytes > 0 && policy !== undefined && policy !== "noeviction")
        onError(mayEvict(policy, bytes));
    },
    // It is only advice: a server that may not be asked works as well, and one that can't be reached fails the calls themselves.
    () => {},
  );
}

function mayEvict(policy: string, maxMemoryBytes: number): ProgressError {
  return new ProgressError("store-misconfigured", {
    message: `redisStore: the server's maxmemory-policy is "${policy}": with ${maxMemoryBytes} bytes in use it removes jobs that are watched and running. Set it to "noeviction".`,
    details: { policy, maxMemoryBytes },
  });
}
