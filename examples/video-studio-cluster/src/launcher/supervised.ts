import { setTimeout as sleep } from "node:timers/promises";
import type { Child, ChildExit } from "./child.js";

/** When a process that exited is started again. */
export interface RestartPolicy {
  /** Milliseconds before the first restart. They double with each failure in a row, up to `maxDelayMs`. */
  readonly delayMs: number;
  readonly maxDelayMs: number;
  /** A process that ran for this time has started well: its exit is the first failure in a row. */
  readonly stableMs: number;
  /** After this number of failures in a row, the process is not started again. */
  readonly maxFailures: number;
}

export const RESTART_POLICY: RestartPolicy = {
  delayMs: 200,
  maxDelayMs: 5_000,
  stableMs: 5_000,
  maxFailures: 6,
};

/** A process that is started again when it exits, until it is stopped. */
export interface Supervised {
  readonly name: string;
  /** The process id of the last start. */
  readonly pid: number;
  /** Ends the process for good, also if it is just being started again. Idempotent. */
  stop(signal?: NodeJS.Signals): Promise<void>;
}

/** Options of {@link supervise}. */
export interface SuperviseOptions {
  readonly name: string;
  /** Starts the process. Resolves when it is ready. */
  readonly start: () => Promise<Child>;
  /** Called with a line for the operator about each exit and each restart. */
  readonly onLine: (line: string) => void;
  readonly policy: RestartPolicy;
}

/**
 * Starts a process and keeps it running. Resolves when it is ready for the first time.
 *
 * @throws the error of the first start. Only a process that has been ready once is started again.
 */
export async function supervise(options: SuperviseOptions): Promise<Supervised> {
  let child = await options.start();
  const stopping = new AbortController();

  async function keepRunning(): Promise<void> {
    let failures = 0;
    let startedAt = Date.now();
    let failure = describeExit(await child.exited, child);
    while (!stopping.signal.aborted) {
      failures = Date.now() - startedAt < options.policy.stableMs ? failures + 1 : 1;
      if (!(await delayed(failure, failures, options, stopping.signal))) return;
      startedAt = Date.now();
      try {
        child = await options.start();
      } catch (error) {
        failure = String(error instanceof Error ? error.message : error);
        continue;
      }
      if (stopping.signal.aborted) return child.stop();
      options.onLine(`${options.name} runs again, as process ${child.pid}.`);
      startedAt = Date.now();
      failure = describeExit(await child.exited, child);
    }
  }

  const running = keepRunning();
  return {
    name: options.name,
    get pid() {
      return child.pid;
    },
    async stop(signal) {
      stopping.abort();
      await child.stop(signal);
      await running;
    },
  };
}

/** Reports a failure, and waits before the next start. Resolves with `false` if there is none. */
async function delayed(
  failure: string,
  failures: number,
  { name, onLine, policy }: Pick<SuperviseOptions, "name" | "onLine" | "policy">,
  signal: AbortSignal,
): Promise<boolean> {
  if (failures >= policy.maxFailures) {
    onLine(
      `${failure} This was failure ${failures} in a row, so ${name} is not started again; the others go on. ` +
        "Look for the cause above, then start the command again.",
    );
    return false;
  }
  const delayMs = Math.min(policy.delayMs * 2 ** (failures - 1), policy.maxDelayMs);
  onLine(`${failure} ${name} starts again in ${delayMs / 1000} s.`);
  await sleep(delayMs, undefined, { signal }).catch(() => undefined);
  return !signal.aborted;
}

function describeExit({ code, signal }: ChildExit, { name, pid }: Child): string {
  return `${name} (${pid}) ${signal === null ? `exited with code ${code}` : `was ended by ${signal}`}.`;
}
