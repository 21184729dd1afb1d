import {
  type AnyJob,
  DEFAULT_MAX_LOG_LINES,
  type JobDefinition,
  type JobTypes,
  ProgressError,
} from "@emlinh/progress-protocol";
import type { Policy, Transport } from "../machine/events.js";
import type { HeadersFactory, Schedule } from "../transports/exchange.js";
import { browserPage, type Page } from "./page.js";

/** How a job is watched. Only `baseUrl` is required. */
export interface WatchOptions<Job extends JobTypes = AnyJob> {
  /** Where the server's handler is mounted, such as `/api/video-progress`. Absolute where there is no page to be relative to. */
  baseUrl: string;
  /** Added to each request. As a function it is asked before each, and once more after a 401. */
  headers?: HeadersInit | HeadersFactory | undefined;
  /** As in `fetch`. @defaultValue `"same-origin"`, as the platform's */
  credentials?: RequestCredentials | undefined;
  /** @defaultValue the platform's `fetch` */
  fetch?: typeof fetch | undefined;
  /** What `defineJob` gave: the types of the step ids, the metadata and the result. Nothing is checked by it. */
  definition?: JobDefinition<Job> | undefined;
  /** Stops the watch, as `stop()` does. */
  signal?: AbortSignal | undefined;
  /** `auto`: the stream, and polls while it doesn't work. `stream` never polls, `poll` never streams. @defaultValue `"auto"` */
  transport?: Transport | "auto" | undefined;
  /** Log lines kept, the newest. @defaultValue `200` */
  maxLogLines?: number | undefined;
  /** Waits after the first, second … failure in a row, in ms; jitter shortens them by up to a half. @defaultValue 1, 2, 4, 8, 16 and 30 s */
  backoffMs?: readonly number[] | undefined;
  /** Failures in a row until the stream is given up for polls. @defaultValue `5` */
  maxAttempts?: number | undefined;
  /** How long a request may take to its first frame or answer. @defaultValue `10_000` */
  openTimeoutMs?: number | undefined;
  /** How long a stream may at least be silent; 2.5 of the server's heartbeats, if that is longer. @defaultValue `20_000` */
  minSilenceMs?: number | undefined;
  /** The age at which a stream without news counts as healthy, so that failures before it are forgotten. @defaultValue `30_000` */
  healthyMs?: number | undefined;
  /** Between polls that the server doesn't hold. @defaultValue `2_000` */
  pollIntervalMs?: number | undefined;
  /** How long the server is asked to hold a poll; rounded to seconds. @defaultValue `20_000` */
  pollWaitMs?: number | undefined;
  /** While polling, the waits between tries of the stream; `false` for none. @defaultValue 30, 60, 120 and 300 s */
  probesMs?: readonly number[] | false | undefined;
  /** Closes the connection while the page is hidden. @defaultValue `false`: a progress in the title goes on */
  pauseWhenHidden?: boolean | undefined;
  /** The page's life, or that of an app that isn't one; `false` for none. @defaultValue the browser's, where there is a document */
  page?: Page | false | undefined;
  /** Gets what a listener threw. @defaultValue thrown again in a microtask of its own, as the platform reports such errors */
  onError?: ((error: unknown) => void) | undefined;
  /** Milliseconds since the epoch. @defaultValue `Date.now` */
  clock?: (() => number) | undefined;
  /** 0 inclusive to 1 exclusive. @defaultValue `Math.random` */
  random?: (() => number) | undefined;
  /** @defaultValue `setTimeout` and `clearTimeout` */
  schedule?: Schedule | undefined;
}

/** Every option, filled in and checked. */
export interface ResolvedWatchOptions extends Policy {
  readonly baseUrl: string;
  readonly headers: HeadersInit | HeadersFactory | undefined;
  readonly credentials: RequestCredentials;
  readonly fetch: typeof fetch;
  readonly signal: AbortSignal | undefined;
  readonly maxLogLines: number;
  readonly openTimeoutMs: number;
  readonly minSilenceMs: number;
  readonly healthyMs: number;
  readonly pollWaitMs: number;
  readonly page: Page | false;
  readonly onError: (error: unknown) => void;
  readonly clock: () => number;
  readonly random: () => number;
  readonly schedule: Schedule;
}

/** The options that are numbers over 0, and lists of them, with their defaults. */
const NUMBERS = {
  maxLogLines: DEFAULT_MAX_LOG_LINES,
  backoffMs: [1000, 2000, 4000, 8000, 16_000, 30_000],
  maxAttempts: 5,
  openTimeoutMs: 10_000,
  minSilenceMs: 20_000,
  healthyMs: 30_000,
  pollIntervalMs: 2_000,
  pollWaitMs: 20_000,
};

/**
 * Fills in the defaults and checks the rest.
 *
 * @throws {@link ProgressError} `invalid-option`, naming the option and its value.
 */
export function resolveWatchOptions(
  options: Omit<WatchOptions, "definition">,
): ResolvedWatchOptions {
  const all: { [name: string]: unknown } = {
    ...NUMBERS,
    transport: "auto",
    probesMs: [30_000, 60_000, 120_000, 300_000],
    // Called late and by its own name: a page may patch it, and it must not lose its window.
    fetch: (input: RequestInfo | URL, init?: RequestInit) => fetch(input, init),
    page: browserPage(options.pauseWhenHidden === true),
    onError: rethrow,
    clock: Date.now,
    random: Math.random,
    schedule: later,
  };
  for (const [name, value] of Object.entries(options)) if (value !== undefined) all[name] = value;
  const check = (name: string, good: unknown, wanted: string): void => {
    if (!good) throw invalidOption(name, all[name], wanted);
  };
  for (const name in NUMBERS) {
    const values = [all[name]].flat();
    check(name, values.length && values.every((value) => Number(value) > 0), "numbers over 0");
  }
  check("transport", /^(auto|stream|poll)$/.test(`${all.transport}`), "auto, stream or poll");
  // A path has a page to be relative to, or there is none.
  const base = "location" in globalThis ? /./ : /^https?:/;
  check("baseUrl", base.test(`${all.baseUrl ?? ""}`), "an address, absolute outside a page");
  all.baseUrl = `${all.baseUrl}`.replace(/\/+$/, "");
  return all as unknown as ResolvedWatchOptions;
}

/** What is thrown for an option that can't be. */
export function invalidOption(name: string, value: unknown, wanted: string): ProgressError {
  return new ProgressError("invalid-option", {
    message: `The option ${name} is ${String(value)}: give ${wanted}.`,
  });
}

function rethrow(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}

function later(run: () => void, delayMs: number): () => void {
  // The longest delay that it knows; a longer one would fire at once.
  const MAX_TIMEOUT_MS = 2_147_483_647;
  const timer = setTimeout(run, Math.min(delayMs, MAX_TIMEOUT_MS));
  return () => clearTimeout(timer);
}
