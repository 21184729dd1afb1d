import type { JobState, JobTypes } from "@emlinh/progress-protocol";
import type { MachineEvent } from "../../machine/events.js";
import type { MachineState } from "../../machine/state.js";
import type { WatchSnapshot } from "../job-watch.js";
import type { ResolvedWatchOptions } from "../options.js";
import type { PageEvent } from "../page.js";
import { connectionState } from "./connection-state.js";
import { countdown } from "./countdown.js";
import { deviceEffects } from "./device-effects.js";
import { type MachineRunner, machineRunner } from "./machine-runner.js";
import { type InitialState, type ReplicaEvent, replicaView } from "./replica-view.js";
import { requestEffects } from "./request-effects.js";
import type { Slot, StreamLimiter } from "./stream-limiter.js";
import { timerEffects } from "./timer-effects.js";

/** The connection of one job, whatever transport it uses at the moment. */
export interface JobConnection<Job extends JobTypes> {
  /** The same object until something changes. */
  readonly snapshot: WatchSnapshot<Job>;
  /** Connects, if it is idle. */
  readonly start: () => void;
  /** Makes a closed connection idle. It keeps its data, and continues from its cursor. */
  reset(): void;
  readonly dispatch: (event: MachineEvent) => void;
  /**
   * Handles an event of the page. A `check` connects at once instead of waiting, and replaces a stream that is overdue.
   */
  onPageEvent(event: PageEvent): void;
  /** The server's time, in milliseconds since the epoch. */
  readonly now: () => number;
}

/** The surroundings of a connection. */
export interface ConnectionContext<Job extends JobTypes> {
  readonly jobId: string;
  /** The address of the job. */
  readonly url: string;
  /** Bounds the connections of several jobs. Without it the connection always has a slot. */
  readonly limiter: StreamLimiter | undefined;
  /** Until then `job-not-found` is a failure to retry. Milliseconds since the epoch, by this device's clock. */
  readonly expectedUntil: number;
  /**
   * Called after each change of the snapshot.
   *
   * @param events - The events of the job; none if only the connection changed.
   * @param connectionChanged - Whether the state of the connection changed.
   */
  onChange(events: readonly ReplicaEvent<Job>[], connectionChanged: boolean): void;
}

/** Couples the machine to the network, the timers, the device and the replica. */
export function jobConnection<Job extends JobTypes>(
  options: ResolvedWatchOptions,
  { jobId, url, limiter, expectedUntil, onChange }: ConnectionContext<Job>,
): JobConnection<Job> {
  const view = replicaView<Job>(jobId, options.maxLogLines, initialState(options, jobId));
  const dispatch = (event: MachineEvent): void => machine.dispatch(event);
  const requests = requestEffects(options, { url, view, expectedUntil, dispatch });
  let slot: Slot | undefined;
  const newMachine = (): MachineRunner =>
    machineRunner(options, onStep, {
      ...requests,
      ...timerEffects(options.schedule, dispatch),
      ...deviceEffects(options, onPageEvent),
      "release-slot": () => slot?.release(),
    });
  let machine = newMachine();
  let snapshot: WatchSnapshot<Job> = {
    job: view.job,
    log: [],
    connection: connectionState(machine.state),
  };
  const countEtaDown = countdown(options.schedule, () => {
    view.deriveEta(requests.now());
    onStep();
  });

  function onStep(): void {
    countEtaDown(typeof view.job?.etaMs === "number" && hasListeners(machine.state));
    const events = view.events.splice(0);
    const next = connectionState(machine.state);
    const connectionChanged = JSON.stringify(next) !== JSON.stringify(snapshot.connection);
    if (!connectionChanged && events.length === 0) return;
    const connection = connectionChanged ? next : snapshot.connection;
    snapshot = { job: view.job, log: view.replica.log, connection };
    onChange(events, connectionChanged);
  }

  function onPageEvent(kind: PageEvent): void {
    dispatch({ kind, overdue: requests.isOverdue(machine.state.current) });
  }

  return {
    get snapshot() {
      return snapshot;
    },
    start() {
      if (machine.state.status !== "idle") return;
      view.deriveEta(requests.now());
      slot = limiter?.request(options, (policy) => dispatch({ kind: "policy-changed", policy }));
      dispatch({ kind: "start", policy: slot?.policy ?? options });
    },
    reset() {
      machine = newMachine();
      onStep();
    },
    dispatch,
    onPageEvent,
    now: requests.now,
  };
}

function hasListeners({ status }: MachineState): boolean {
  return status !== "idle" && status !== "closed";
}

function initialState<Job extends JobTypes>(
  { initial, clock }: ResolvedWatchOptions,
  jobId: string,
): InitialState<Job> | undefined {
  const job = initial as JobState<Job> | undefined;
  return job?.id === jobId ? { job, now: clock() } : undefined;
}
