import {
  type JobWatch,
  type WatchOptions,
  type WatchSnapshot,
  watchJob,
} from "@emlinh/progress-client";
import { afterEach, beforeEach } from "vitest";
import { type FakeTime, fakeTime } from "./fake-time.js";
import { type JobServer, type ReceivedRequest, startJobServer } from "./job-server.js";
import { untilStatus } from "./until.js";

/** A job server and a fake clock, new for each test, and what tests of a connection do with them. */
export interface ConnectionFixture {
  readonly server: JobServer;
  time: FakeTime;
  /** Watches the job "a" with one listener until the end of the test. */
  open(options?: Partial<WatchOptions>): JobWatch;
  /** Stops a watch at the end of the test. */
  stopLater(watch: JobWatch): void;
  /** Answers every stream, and leaves polls to the server. */
  answerStreams(answer: (request: ReceivedRequest) => void): void;
  /** Fires the timer of the next attempt, as soon as the watch waits for it. */
  retryNow(watch: JobWatch): Promise<void>;
}

/** Registers the hooks that make a fixture for each test of a file. */
export function connectionFixture(): ConnectionFixture {
  const watches: JobWatch[] = [];
  let server: JobServer;
  let time: FakeTime;

  beforeEach(async () => {
    server = await startJobServer();
    time = fakeTime();
  });
  afterEach(async () => {
    for (const watch of watches.splice(0)) watch.stop();
    await server.close();
  });

  return {
    get server() {
      return server;
    },
    get time() {
      return time;
    },
    set time(other) {
      time = other;
    },
    open(options) {
      const defaults = { baseUrl: server.baseUrl, ...time, random: () => 0 };
      const watch = watchJob("a", { ...defaults, ...options });
      watch.subscribe(() => {});
      watches.push(watch);
      return watch;
    },
    stopLater: (watch) => void watches.push(watch),
    answerStreams(answer) {
      server.intercept = (request) => {
        if (request.accept !== "stream") return false;
        answer(request);
        return true;
      };
    },
    async retryNow(watch) {
      const { connection } = await untilStatus(watch, "waiting");
      time.advance((connection.retryAt ?? 0) - time.clock());
    },
  };
}

/** A condition for `until`: the job is shown with this percent. */
export const percentIs =
  (percent: number) =>
  ({ job }: Pick<WatchSnapshot, "job">): boolean =>
    job?.percent === percent;

/** The cursor of a request. */
export const cursorOf = ({ url }: ReceivedRequest): string | null => url.searchParams.get("after");
