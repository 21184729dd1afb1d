import type { ConnectionStatus, JobTypes, JobWatch, WatchSnapshot } from "@emlinh/progress-client";

/** Resolves with the first snapshot that meets a condition. It listens until then, so the watch stays connected. */
export function until<Job extends JobTypes>(
  watch: JobWatch<Job>,
  condition: (snapshot: WatchSnapshot<Job>) => boolean,
): Promise<WatchSnapshot<Job>> {
  return new Promise((resolve) => {
    // The listener is called before `subscribe` returns.
    let stop: (() => void) | undefined;
    let found = false;
    stop = watch.subscribe((snapshot) => {
      if (found || !condition(snapshot)) return;
      found = true;
      stop?.();
      resolve(snapshot);
    });
    if (found) stop();
  });
}

export function untilStatus<Job extends JobTypes>(
  watch: JobWatch<Job>,
  ...statuses: ConnectionStatus[]
): Promise<WatchSnapshot<Job>> {
  return until(watch, ({ connection }) => statuses.includes(connection.status));
}
