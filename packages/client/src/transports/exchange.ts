import { type ErrorCode, ProgressError } from "@emlinh/progress-protocol";

/** Runs something in so many milliseconds, and gives a function that calls it off. */
export type Schedule = (run: () => void, delayMs: number) => () => void;

/** Headers for each request, made anew each time. `refresh`: the server refused the last ones with a 401. */
export type HeadersFactory = (context: {
  readonly refresh: boolean;
}) => HeadersInit | Promise<HeadersInit>;

/** One request, and all that it needs from outside. */
export interface Exchange {
  readonly fetch: typeof fetch;
  readonly url: string;
  readonly headers: HeadersInit | HeadersFactory | undefined;
  readonly refresh: boolean;
  readonly credentials: RequestCredentials;
  /** Ends the request; the exchange itself aborts it when it is over. */
  readonly abort: AbortController;
  /** How long nothing may come, until the reader sets another limit. */
  readonly limitMs: number;
  /** Told when half of the limit is over. */
  warn?(): void;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  readonly schedule: Schedule;
}

/** It failed, or the server said `bye`, and it may be tried again. */
export interface Dropped {
  readonly kind: "dropped";
  readonly bye?: true;
  /** What came wasn't what was asked for, or nothing came at all. */
  readonly strike: boolean;
  /** The least to wait. */
  readonly floorMs: number;
  readonly error?: ProgressError;
}

/** The answer is final. */
export interface Refused {
  readonly kind: "refused";
  readonly error: ProgressError;
}

/** What the reader of an answer is given. */
export interface Reading<Outcome> {
  /** Ends the request: the first outcome that is told counts. */
  settle(outcome: Outcome | Dropped | Refused): void;
  /** Something came. @param limitMs - From now on the limit. */
  beat(limitMs?: number): void;
}

type Init = Omit<RequestInit, "headers"> & { readonly headers: Readonly<Record<string, string>> };

/** Runs one request to its one outcome. It never rejects. @param read - Reads an answer that is a success. */
export function exchange<Outcome>(
  request: Exchange,
  init: Init,
  read: (response: Response, reading: Reading<Outcome>) => Promise<Outcome | Dropped | Refused>,
): Promise<Outcome | Dropped | Refused> {
  const { abort, clock } = request;
  return new Promise((resolve) => {
    const settle = (outcome: Outcome | Dropped | Refused): void => {
      resolve(outcome);
      stop();
      abort.abort();
    };
    const { beat, stop } = guardSilence(request, settle);
    send(request, init)
      .then((response) =>
        response.ok ? read(response, { settle, beat }) : refusalOf(response, clock()),
      )
      .then(settle, (cause) => settle(dropped("The connection failed.", false, cause)));
  });
}

async function send(
  { url, fetch, headers, refresh, credentials, abort }: Exchange,
  init: Init,
): Promise<Response> {
  const all = new Headers(typeof headers === "function" ? await headers({ refresh }) : headers);
  for (const [name, value] of Object.entries(init.headers)) all.set(name, value);
  return fetch(url, {
    cache: "no-store",
    credentials,
    ...init,
    headers: all,
    signal: abort.signal,
  });
}

/** Ends what is silent for too long, and gives warning at half of the time. */
function guardSilence(
  { abort, clock, schedule, warn, ...request }: Exchange,
  settle: (outcome: Dropped) => void,
): { beat(limitMs?: number): void; stop(): void } {
  let { limitMs } = request;
  let strike = true;
  let lastAt = clock();
  let cancel: () => void;
  const look = (): void => {
    // A clock that was set back must not lengthen the silence that is allowed.
    lastAt = Math.min(lastAt, clock());
    const silentMs = clock() - lastAt;
    // First, even at the limit: whoever wakes from a sleep and looks finds a suspect, and needn't wait for its end.
    if (silentMs >= limitMs / 2) warn?.();
    if (silentMs >= limitMs) settle(dropped(`Nothing came for ${silentMs} ms.`, strike));
    else cancel = schedule(look, (silentMs < limitMs / 2 ? limitMs / 2 : limitMs) - silentMs);
  };
  look();
  return {
    beat(newMs) {
      lastAt = clock();
      if (!newMs || abort.signal.aborted) return;
      strike = false;
      limitMs = newMs;
      cancel();
      look();
    },
    stop: () => cancel(),
  };
}

/** The body as JSON; `null` if it is none. Rejects for a body that was cut: it may have been JSON, and is asked for again. */
export async function jsonOf(response: Response): Promise<unknown> {
  const text = await response.text();
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** A failure that may be tried again. */
export function dropped(message: string, strike = false, cause?: unknown): Dropped {
  const error = new ProgressError("refused", { message, retryable: true, cause });
  return { kind: "dropped", strike, floorMs: 0, error };
}

/** The longest `Retry-After` that is believed: a day. */
const MAX_RETRY_AFTER_MS = 86_400_000;

/** What an answer that is no success means (P45). */
async function refusalOf(response: Response, now: number): Promise<Dropped | Refused> {
  const { status, url } = response;
  const retryable = [408, 425, 429].includes(status) || status >= 500;
  // A body that isn't a problem tells nothing more than its status.
  const problem = (await jsonOf(response)) as Problem | null;
  const message = problem?.detail ?? `${url} answered ${status}.`;
  const error = new ProgressError(problem?.code ?? "refused", { message, status, retryable });
  if (!retryable) return { kind: "refused", error };
  const after = response.headers.get("retry-after") ?? "";
  const afterMs = Number(after) * 1000 || Date.parse(after) - now || 0;
  const floorMs = Math.max(0, Math.min(afterMs, MAX_RETRY_AFTER_MS));
  return { kind: "dropped", strike: false, floorMs, error };
}

/** The part of `application/problem+json` that is read (P42). */
interface Problem {
  readonly code?: ErrorCode;
  readonly detail?: string;
}
