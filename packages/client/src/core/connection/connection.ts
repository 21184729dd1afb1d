import type { Cursor, JobTypes, ProgressError } from "@emlinh/progress-protocol";
import { jobReader } from "../../transports/job-reader.js";
import type { WatchSnapshot } from "../job-watch.js";
import type { ResolvedWatchOptions } from "../options.js";
import { connectionState } from "./connection-state.js";
import { machineDriver } from "./machine-driver.js";
import { isOvertaken } from "./overtaken.js";
import { type WatchedJobContext, watchedJob } from "./watched-job.js";

/** The connection of one job, whatever transport it uses at the moment. */
export interface JobConnection<Job extends JobTypes> {
  /** The same object until something changes. */
  readonly snapshot: WatchSnapshot<Job>;
  /** Connects, if it is idle. */
  start(): void;
  /** Disconnects until the next start, unless it is closed. */
  leave(): void;
  /** Closes for good, until it is reset. */
  close(error: ProgressError): void;
  /** Connects at once instead of waiting, and replaces a stream that is overdue. */
  check(): void;
  /** Makes a closed connection idle. It keeps its data, and continues from its cursor. */
  reset(): void;
  /** The server's time, in milliseconds since the epoch. */
  readonly now: () => number;
}

/** Makes the connection of one job. It is idle. */
export type OpenJobConnection = <Job extends JobTypes>(
  context: Pick<WatchedJobContext<Job>, "jobId" | "onChange">,
) => JobConnection<Job>;

/** Makes connections that have a stream or polls of their own. */
export function ownConnections(options: ResolvedWatchOptions): OpenJobConnection {
  return <Job extends JobTypes>({
    jobId,
    onChange,
  }: Pick<WatchedJobContext<Job>, "jobId" | "onChange">): JobConnection<Job> => {
    const url = `${options.baseUrl}/${jobId}`;
    const driver = machineDriver(options, {
      contentOf({ holdMs }) {
        let told = view.cursor;
        const reader = jobReader((delta) => {
          const before = told;
          told = delta?.cursor;
          if (delta && isOvertaken(delta, view.cursor, before)) return "known";
          return view.apply(delta, driver.now());
        });
        return { url: url + queryOf(told, holdMs), holdMs, reader };
      },
      onServerTime(now) {
        if (view.cursor) view.deriveEta(now);
      },
      onEvent: (event) => (view.replica.done ? { kind: "close" } : event),
      onStep: () => job.update(connectionState(driver.state)),
    });
    const { dispatch, reset, check, now } = driver;
    const connection = connectionState(driver.state);
    const job = watchedJob<Job>(options, { jobId, connection, now, onChange });
    const { view } = job;

    return {
      get snapshot() {
        return job.snapshot;
      },
      start() {
        if (driver.state.status !== "idle") return;
        view.deriveEta(now());
        dispatch({ kind: "start" });
      },
      leave: () => dispatch({ kind: "leave" }),
      close: (error) => dispatch({ kind: "close", error }),
      check,
      reset,
      now,
    };
  };
}

/** Without `URLSearchParams`, which React Native has in part only. */
function queryOf(cursor: Cursor | undefined, holdMs: number): string {
  const after = cursor ? `after=${encodeURIComponent(cursor)}&` : "";
  return `?${after}${waitOf(holdMs)}`;
}

/** The parameter that asks the server to hold a poll; empty for 0. */
export function waitOf(holdMs: number): string {
  return holdMs > 0 ? `wait=${Math.ceil(holdMs / 1000)}` : "";
}
