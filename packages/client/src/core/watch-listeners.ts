import { isTerminal, type JobTypes } from "@emlinh/progress-protocol";
import { invalidOption } from "../transports/invalid-option.js";
import type { JobConnection } from "./connection/connection.js";
import type { ReplicaEvent } from "./connection/replica-view.js";
import type { JobWatch, WatchEvents } from "./job-watch.js";
import { addAndTell, listenerSet } from "./listeners.js";
import { presentEvents } from "./present-events.js";

/** The listeners of a watch. */
export interface WatchListeners<Job extends JobTypes>
  extends Pick<JobWatch<Job>, "on" | "subscribe"> {
  readonly size: number;
  /** Delivers the events of a change of the snapshot, and the change itself. */
  emit(events: readonly ReplicaEvent<Job>[], connectionChanged: boolean): void;
}

type Events<Job extends JobTypes> = WatchEvents<Job> & { readonly change: undefined };

/** Makes an empty set. The first listener starts the connection, and the last one leaves it. */
export function watchListeners<Job extends JobTypes>(
  connection: JobConnection<Job>,
  onError: (error: unknown) => void,
): WatchListeners<Job> {
  const listeners = listenerSet<Events<Job>>(onError, () => connection.leave());
  const present = () => presentEvents(connection.snapshot);

  return {
    get size() {
      return listeners.size;
    },
    on(name, listener) {
      const names = Object.keys(present());
      if (!names.includes(name)) throw invalidOption("event", name, names.join(", "));
      type Present = readonly Events<Job>[typeof name][];
      const remove = listeners.add(name, listener, () => present()[name] as Present);
      connection.start();
      return remove;
    },
    subscribe(listener) {
      const remove = addAndTell(listeners, () => listener(connection.snapshot), onError);
      connection.start();
      return remove;
    },
    emit(events, connectionChanged) {
      const { connection: state, job } = connection.snapshot;
      for (const { name, value } of events) listeners.emit(name, value);
      if (connectionChanged) listeners.emit("connection", state);
      listeners.emit("change", undefined);
      if (job && isTerminal(job.status)) listeners.emit("end", job);
    },
  };
}
