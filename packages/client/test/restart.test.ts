import { JobManager } from "@emlinh/progress-client";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { connectionFixture } from "./support/connection-fixture.js";
import { until, untilStatus } from "./support/until.js";

const fixture = connectionFixture();

/** Refuses every request with a 401 while `isSignedIn` is false. */
let isSignedIn: boolean;
beforeEach(() => {
  isSignedIn = false;
  fixture.server.intercept = ({ response }) => {
    if (isSignedIn) return false;
    const problem = { status: 401, detail: "Sign in.", code: "not-authenticated" };
    response.writeHead(401, { "content-type": "application/problem+json" });
    response.end(JSON.stringify(problem));
    return true;
  };
});

describe("a watch that a refusal closed", () => {
  test("given refresh() after a new sign-in, goes on with the same listeners, and has a new result", async () => {
    fixture.server.create("a", { percent: 1 });
    const watch = fixture.open();
    const refused = watch.result;
    const statuses: string[] = [];
    watch.on("connection", ({ status }) => statuses.push(status));
    await expect(refused).rejects.toMatchObject({ code: "not-authenticated" });
    await untilStatus(watch, "closed");
    isSignedIn = true;
    watch.refresh();
    expect(watch.result).not.toBe(refused);
    await until(watch, ({ job }) => job?.percent === 1);
    expect(statuses).toEqual(["connecting", "closed", "idle", "connecting", "live"]);
    fixture.server.write("a", { status: "completed", result: 7 });
    await expect(watch.result).resolves.toBe(7);
    watch.refresh();
    expect(watch.getSnapshot().connection.status).toBe("closed");
  });

  test("given refresh() without a listener, is idle, and connects for the next one from its cursor", async () => {
    isSignedIn = true;
    fixture.server.create("a", { percent: 1 });
    const watch = fixture.open();
    await until(watch, ({ job }) => job?.percent === 1);
    isSignedIn = false;
    fixture.server.streams.cut();
    await fixture.retryNow(watch);
    await untilStatus(watch, "closed");
    isSignedIn = true;
    watch.refresh();
    await untilStatus(watch, "live");
    const last = fixture.server.requests[fixture.server.requests.length - 1];
    expect(last?.url.searchParams.get("after")).toBe("epoch1.1");
  });

  test("given a signal, its abort stops the restarted watch; afterwards refresh() throws stopped", async () => {
    const abort = new AbortController();
    const watch = fixture.open({ signal: abort.signal });
    await untilStatus(watch, "closed");
    fixture.server.create("a", { percent: 1 });
    isSignedIn = true;
    watch.refresh();
    await untilStatus(watch, "live");
    abort.abort();
    expect(watch.getSnapshot().connection.status).toBe("closed");
    expect(() => watch.refresh()).toThrow(
      expect.objectContaining({
        code: "stopped",
        message: 'Watching the job "a" was stopped. To go on, make a new watch.',
      }),
    );
  });

  test("given stop() after the refusal, refresh() throws stopped", async () => {
    const watch = fixture.open();
    await untilStatus(watch, "closed");
    watch.stop();
    expect(() => watch.refresh()).toThrow(expect.objectContaining({ code: "stopped" }));
  });
});

describe("a watch that is made on a server", () => {
  const managers: JobManager[] = [];
  afterEach(() => {
    for (const manager of managers.splice(0)) manager.close();
  });

  test("given a path as baseUrl, a manager and a watch can be made and read, and nothing is requested", () => {
    const fetch = vi.fn<typeof globalThis.fetch>();
    const manager = new JobManager({ baseUrl: "/api", storage: false, fetch });
    managers.push(manager);
    const watch = manager.watch("a");
    expect(manager.getSnapshot()).toEqual([watch]);
    const snapshot = watch.getServerSnapshot();
    expect(snapshot).toEqual({
      job: undefined,
      log: [],
      connection: { status: "idle", attempt: 0, transport: "stream" },
    });
    expect(watch.getSnapshot()).toBe(snapshot);
    expect(watch.getServerSnapshot()).toBe(snapshot);
    expect(fetch).not.toHaveBeenCalled();
  });

  test("given a path that is requested where there is no page, fails at once as invalid-option", async () => {
    const watch = fixture.open({ baseUrl: "/api" });
    await expect(watch.result).rejects.toMatchObject({ code: "invalid-option", retryable: false });
    expect(watch.getSnapshot().connection.error?.message).toContain("/api/a");
    await expect(watch.cancel()).rejects.toMatchObject({ code: "invalid-option" });
  });
});
