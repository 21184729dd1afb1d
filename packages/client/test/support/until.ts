import type { ConnectionStatus, JobTypes, JobWatch, WatchSnapshot } from "@emlinh/progress-client";

/** Resolves with the first snapshot that meets a condition. It listens until then, so the watch stays connected. */
export function until<Job extends JobTypes>(
  watch: JobWatch<Job>,
  condition: (snapshot: WatchSnapshot<Job>) => boolean,
): Promise<WatchSnapshot<Job>> {
  return new Promise((resolve) => {
    const look = (): void => {
      const snapshot = watch.getSnapshot();
      if (!condition(snapshot)) return;
      stop();
      resolve(snapshot);
    };
    const stop = watch.subscribe(look);
    look();
  });
}

export function untilStatus<Job extends JobTypes>(
  watch: JobWatch<Job>,
  ...statuses: ConnectionStatus[]
): Promise<WatchSnapshot<Job>> {
  return until(watch, ({ connection }) => statuses.includes(connection.status));
}
