import type { Hub } from "../hub/hub.js";
import type { Jobs } from "../jobs.js";
import type { Settings } from "../options.js";
import type { SweepReport } from "../store.js";
import type { WorkerReports } from "../worker-reports.js";
import type { Authorizer } from "./authorizer.js";
import type { StartRecheck } from "./recheck.js";
import type { ReportLimiter } from "./report-limiter.js";
import type { RequestFacts } from "./types.js";

/** The dependencies of a handler. */
export interface HandlerContext {
  readonly hub: Hub;
  readonly jobs: Jobs;
  readonly reports: WorkerReports;
  readonly settings: Settings;
  sweep(): Promise<SweepReport>;
}

/** The context with what the handler makes for itself. */
export interface Context extends HandlerContext {
  readonly authorizer: Authorizer;
  readonly reportLimiter: ReportLimiter;
  /** `undefined` if the app is asked about a stream only once. */
  readonly startRecheck: StartRecheck | undefined;
}

/** Milliseconds between the heartbeats of one stream. */
export function heartbeatOf({ heartbeatMs }: Settings, facts: RequestFacts): number {
  return Math.min(heartbeatMs, allowedSilenceMs(facts));
}

/**
 * The longest time for which a poll may be held, in milliseconds: at most what the request asks for, the server allows
 * and the runtime keeps open.
 *
 * @param until - When the permission of the reader ends. It gets the answer before that: two ticks early, because the
 * hub looks once per tick.
 */
export function heldMs(
  { maxWaitMs, tickMs, clock }: Settings,
  facts: RequestFacts,
  { waitMs, until }: { readonly waitMs: number; readonly until: number },
): number {
  return Math.min(waitMs, maxWaitMs, until - clock() - 2 * tickMs, allowedSilenceMs(facts));
}

/** The silence after which a heartbeat or an answer is due: half of the silence that the runtime allows. */
function allowedSilenceMs({ maxSilenceMs }: RequestFacts): number {
  if (maxSilenceMs === undefined || !(maxSilenceMs > 0)) return Number.POSITIVE_INFINITY;
  return Math.max(1, Math.floor(maxSilenceMs / 2));
}
