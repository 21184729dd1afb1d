import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type JobWatch, type WatchSnapshot, watchJob } from "@emlinh/progress-client";
import { createProgress, memoryStore, type ProgressOptions } from "@emlinh/progress-server";
import { nodeProgress } from "@emlinh/progress-server/adapters/node";
import { describe, expect, onTestFinished, test } from "vitest";

/** A server whose permissions the test can withdraw, and a running job. */
async function openServer(options: Partial<ProgressOptions>) {
  const app = { isAllowed: true, questions: 0 };
  const progress = createProgress({
    store: memoryStore(),
    authorize() {
      app.questions += 1;
      return app.isAllowed && { allow: true, principal: "ann" };
    },
    retryMs: 10,
    ...options,
  });
  const server = createServer(nodeProgress(progress));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(async () => {
    server.closeAllConnections();
    await Promise.all([progress.close(), new Promise((resolve) => server.close(resolve))]);
  });
  const { id } = await progress.create({ kind: "test" });
  const reporter = await progress.open(id);
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { app, progress, reporter, id, baseUrl };
}

function until(
  watch: JobWatch,
  condition: (snapshot: WatchSnapshot) => boolean,
): Promise<WatchSnapshot> {
  return new Promise((resolve) => {
    const stop = watch.subscribe((snapshot) => {
      if (!condition(snapshot)) return;
      queueMicrotask(() => stop());
      resolve(snapshot);
    });
  });
}

const hasMessage = (message: string) => (snapshot: WatchSnapshot) =>
  snapshot.job?.message === message;

describe.each(["stream", "poll"] as const)("a client with the transport %s", (transport) => {
  test("given a disconnect, comes back, is asked about again, and misses nothing", async () => {
    const { app, progress, reporter, id, baseUrl } = await openServer({});
    const watch = watchJob(id, { baseUrl, transport });
    onTestFinished(watch.subscribe(() => {}));
    reporter.update({ message: "before" });
    await until(watch, hasMessage("before"));
    const { questions } = app;
    await expect.poll(() => progress.disconnect({ principal: "ann" })).toBe(1);
    reporter.update({ message: "after" });
    await until(watch, hasMessage("after"));
    expect(app.questions).toBeGreaterThan(questions);
  });

  test("given a permission that was withdrawn, is refused as soon as it comes back", async () => {
    const { app, progress, reporter, id, baseUrl } = await openServer({});
    const watch = watchJob(id, { baseUrl, transport });
    onTestFinished(watch.subscribe(() => {}));
    reporter.update({ message: "before" });
    await until(watch, hasMessage("before"));
    await expect.poll(() => progress.metrics().slots).toBe(1);
    app.isAllowed = false;
    expect(progress.disconnect({ jobId: id })).toBe(1);
    reporter.update({ message: "secret" });
    await expect(watch.result).rejects.toMatchObject({ code: "forbidden" });
    expect(watch.getSnapshot().job?.message).toBe("before");
  });
});

test("given recheckMs and a permission that was withdrawn, a client is refused", async () => {
  const { app, id, baseUrl } = await openServer({ recheckMs: 50 });
  const watch = watchJob(id, { baseUrl });
  onTestFinished(watch.subscribe(() => {}));
  await until(watch, ({ job }) => job !== undefined);
  app.isAllowed = false;
  await expect(watch.result).rejects.toMatchObject({ code: "forbidden" });
});
