import {
  type AnyJob,
  DEFAULT_MAX_LOG_LINES,
  type JobDefinition,
  type JobState,
  type JobTypes,
} from "@emlinh/progress-protocol";
import type { RetryPolicy, Transport } from "../machine/policy.js";
import type { FetchFunction, HeadersFactory, Schedule } from "../transports/http.js";
import { invalidOption } from "../transports/invalid-option.js";
import type { TransportSettings } from "../transports/transport.js";
import { checkNames, checkPositive, withoutUndefined } from "./option-checks.js";
import { browserPage, type Page } from "./page.js";
import { missingForStreams, platformFetch } from "./platform.js";

/** The options of a watch. Only `baseUrl` is required. */
export interface WatchOptions<Job extends JobTypes = AnyJob> {
  /**
   * The path where the server's handler is mounted, such as `/api/video-progress`. Requests that are sent outside a
   * page need an absolute URL.
   */
  baseUrl: string;
  /** Added to each request. A function is called before each request, and once more after a 401. @defaultValue none */
  headers?: HeadersInit | HeadersFactory | undefined;
  /** As in `fetch`. @defaultValue the default of `fetch`: `"same-origin"` */
  credentials?: RequestCredentials | undefined;
  /** @defaultValue the platform's `fetch` */
  fetch?: FetchFunction | undefined;
  /**
   * The return value of `defineJob`: it gives the step ids, the metadata and the result their types. It checks nothing
   * at run time.
   */
  definition?: JobDefinition<Job> | undefined;
  /**
   * The state to show until the first data arrive, such as the return value of `progress.status(jobId)` in a render on
   * the server. The first request asks for the whole state nevertheless. The state of another job is ignored.
   */
  initial?: JobState<Job> | undefined;
  /** Stops the watch when it aborts, as `stop()` does. */
  signal?: AbortSignal | undefined;
  /**
   * `auto`: the stream, and polls while the stream does not work. `stream` never polls, `poll` never streams.
   *
   * @defaultValue `"auto"`, or `"poll"` on a platform that can't read a response while it arrives, as React Native
   */
  transport?: Transport | "auto" | undefined;
  /** The number of log lines that are kept: the newest. `Infinity` keeps all. @defaultValue `200` */
  maxLogLines?: number | undefined;
  /**
   * The waits after the first, second … failure in a row, in milliseconds; the last one repeats. Jitter shortens them
   * by up to a half.
   *
   * @defaultValue `[1000, 2000, 4000, 8000, 16_000, 30_000]`
   */
  backoffMs?: readonly number[] | undefined;
  /** Failures in a row until polls replace the stream. `Infinity`: never because of their number. @defaultValue `5` */
  maxAttempts?: number | undefined;
  /** The limit for a request until its first event or its answer, in milliseconds. @defaultValue `10_000` */
  openTimeoutMs?: number | undefined;
  /**
   * The least silence that is allowed on a stream, in milliseconds. The limit is 2.5 heartbeats of the server if that
   * is longer.
   *
   * @defaultValue `20_000`
   */
  minSilenceMs?: number | undefined;
  /**
   * The age at which a stream that delivers counts as healthy, so that earlier failures of streams are forgotten. In
   * milliseconds.
   *
   * @defaultValue `300_000`
   */
  healthyMs?: number | undefined;
  /** The interval between polls that the server does not hold, in milliseconds. @defaultValue `2_000` */
  pollIntervalMs?: number | undefined;
  /** How long the server is asked to hold a poll, in milliseconds; rounded up to seconds. @defaultValue `20_000` */
  pollWaitMs?: number | undefined;
  /**
   * While polling, the waits between tries of the stream, in milliseconds; the last one repeats. `false`: the stream is
   * not tried again.
   *
   * @defaultValue `[30_000, 60_000, 120_000, 300_000]`
   */
  probesMs?: readonly number[] | false | undefined;
  /**
   * Whether the connection is closed while the page is hidden.
   *
   * @defaultValue `false`, so that a percent in the title goes on
   */
  pauseWhenHidden?: boolean | undefined;
  /**
   * The source of page events, for apps that are not a page in a browser; `false` for none.
   *
   * @defaultValue the browser's, where there is a document
   */
  page?: Page | false | undefined;
  /**
   * Receives the errors that listeners throw.
   *
   * @defaultValue rethrows them in a microtask, so that the platform reports them
   */
  onError?: ((error: unknown) => void) | undefined;
  /** Milliseconds since the epoch. @defaultValue `Date.now` */
  clock?: (() => number) | undefined;
  /** 0 inclusive to 1 exclusive. @defaultValue `Math.random` */
  random?: (() => number) | undefined;
  /** @defaultValue `setTimeout` and `clearTimeout` */
  schedule?: Schedule | undefined;
}

/** Every option, filled in and checked. */
export interface ResolvedWatchOptions extends RetryPolicy, TransportSettings {
  /** Without a slash at its end. */
  readonly baseUrl: string;
  /** A `JobState` of the types that the watch has. */
  readonly initial?: unknown;
  readonly signal?: AbortSignal;
  readonly maxLogLines: number;
  readonly page: Page | false;
  readonly onError: (error: unknown) => void;
  readonly random: () => number;
}

/** The options that must be above 0: numbers and lists of numbers. */
const DEFAULT_NUMBERS = {
  maxLogLines: DEFAULT_MAX_LOG_LINES,
  backoffMs: [1000, 2000, 4000, 8000, 16_000, 30_000] as readonly number[],
  maxAttempts: 5,
  openTimeoutMs: 10_000,
  minSilenceMs: 20_000,
  healthyMs: 300_000,
  pollIntervalMs: 2_000,
  pollWaitMs: 20_000,
};

const PROBES_MS: readonly number[] | false = [30_000, 60_000, 120_000, 300_000];

/** The longest delay of `setTimeout`. A longer one would fire at once. */
const MAX_TIMEOUT_MS = 2_147_483_647;

/** The names of the other options. */
const OTHER_NAMES = [
  "baseUrl",
  "headers",
  "credentials",
  "definition",
  "initial",
  "signal",
  "pauseWhenHidden",
] as const satisfies readonly (keyof WatchOptions)[];

/**
 * Fills in the defaults and checks every option. The caller's object is not changed.
 *
 * @param moreNames - The names of options that the caller reads itself.
 * @throws {@link ProgressError} `invalid-option`, naming the option and its value.
 */
export function resolveWatchOptions<Job extends JobTypes>(
  options: WatchOptions<Job>,
  moreNames: readonly string[] = [],
): ResolvedWatchOptions {
  const defaults = {
    ...DEFAULT_NUMBERS,
    transport: "auto" as const,
    probesMs: PROBES_MS,
    page: browserPage(options?.pauseWhenHidden === true),
    fetch: platformFetch,
    onError: rethrow,
    clock: Date.now,
    random: Math.random,
    schedule: scheduleTimeout,
  };
  checkNames(options, [...OTHER_NAMES, ...Object.keys(defaults), ...moreNames]);
  const filled = { ...defaults, ...withoutUndefined(options) };
  for (const name of Object.keys(DEFAULT_NUMBERS) as (keyof typeof DEFAULT_NUMBERS)[])
    checkPositive(name, filled[name]);
  // `false` and an empty list both mean that the stream is not tried again.
  const probesMs = filled.probesMs || [];
  if (probesMs.length > 0) checkPositive("probesMs", probesMs);
  if (!["omit", "same-origin", "include"].includes(filled.credentials ?? "omit"))
    throw invalidOption("credentials", filled.credentials, "omit, same-origin or include");
  const baseUrl = baseUrlOf(filled.baseUrl);
  return Object.freeze({ ...filled, probesMs, baseUrl, transport: transportOf(filled) });
}

function transportOf({
  transport,
  fetch,
}: Pick<ResolvedWatchOptions, "transport" | "fetch">): Transport | "auto" {
  if (!["auto", "stream", "poll"].includes(transport))
    throw invalidOption("transport", transport, "auto, stream or poll");
  const missing = missingForStreams(fetch !== platformFetch);
  if (missing && transport === "stream")
    throw invalidOption("transport", transport, `auto or poll: this platform has no ${missing}`);
  return missing ? "poll" : transport;
}

/** The address is checked again when it is requested: only then it is known whether there is a page. */
function baseUrlOf(baseUrl: unknown): string {
  // Without its slashes `https://` would make the job id the host.
  if (typeof baseUrl !== "string" || /^(\w+:\/*)?$/.test(baseUrl))
    throw invalidOption("baseUrl", baseUrl, 'a path such as "/api/progress" or an absolute URL');
  return baseUrl.replace(/\/+$/, "");
}

function rethrow(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}

function scheduleTimeout(run: () => void, delayMs: number): () => void {
  const timer = setTimeout(run, Math.min(delayMs, MAX_TIMEOUT_MS));
  return () => clearTimeout(timer);
}
