import type { ConnectionStatus, JobTypes, JobWatch, WatchSnapshot } from "@emlinh/progress-client";

/** Resolves with the first snapshot that fits, now or later. It listens meanwhile, and so keeps the watch connected. */
export function until<Job extends JobTypes>(
  watch: JobWatch<Job>,
  fits: (snapshot: WatchSnapshot<Job>) => boolean,
): Promise<WatchSnapshot<Job>> {
  return new Promise((resolve) => {
    const look = (): void => {
      const snapshot = watch.getSnapshot();
      if (!fits(snapshot)) return;
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
