import { expect, onTestFinished } from "vitest";
import type { ManySite } from "./many-site.js";
import { createObserver, type Observer } from "./observer.js";
import type { SseClient } from "./sse-client.js";

/** The subject whose list each client follows. */
export const SUBJECT = "user:42";
/** Only a client that never shows the truth waits so long. */
export const NEVER_MS = 40_000;

/** A client at work, and its observer. */
export interface Reader extends Observer {
  /** Resolves when the client shows the truth. */
  untilRight(): Promise<void>;
  /** Resolves when the client has received an event so many times. */
  untilNamed(name: string, times?: number): Promise<void>;
  close(): Promise<void>;
}

interface ReaderOptions {
  readonly named: readonly string[];
  /** The query of the first request. @defaultValue the jobs and the subject, without cursors */
  readonly query?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Starts a client. It is stopped at the end of the test. */
export async function openReader(
  client: SseClient,
  { baseUrl, truth }: ManySite,
  { named, query, headers = {} }: ReaderOptions,
): Promise<Reader> {
  const observer = createObserver(named, SUBJECT);
  const stop = await client.open({
    url: () => `${baseUrl}?${observer.names.length === 0 && query ? query : observer.query()}`,
    headers,
    onEvent: observer.take,
    onFault: (fault) => observer.faults.push(fault),
  });
  onTestFinished(stop);
  const polled = { timeout: NEVER_MS };
  return {
    ...observer,
    close: stop,
    async untilRight() {
      const expected = await truth(named, SUBJECT);
      await expect.poll(() => observer.view(), polled).toEqual(expected);
      expect(observer.faults).toEqual([]);
    },
    untilNamed: (name, times = 1) =>
      expect
        .poll(() => observer.names.filter((other) => other === name).length, polled)
        .toBeGreaterThanOrEqual(times),
  };
}

/** Asserts that a client that sends its cursors got each log line and each end once, in order. */
export function expectOnce({ delivered, view }: Reader): void {
  for (const [jobId, { log, finishedAt }] of Object.entries(view().jobs)) {
    const count = delivered.get(jobId);
    expect(count?.lines, jobId).toEqual(log.map(({ n }) => n));
    expect(count?.ends, jobId).toBe(finishedAt === null ? 0 : 1);
  }
}
