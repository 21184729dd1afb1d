import { expect, test } from "vitest";
import { createProgress, memoryStore, type ProgressOptions } from "../../../src/index.js";
import { advance, makeContext, useFakeTime } from "../context.js";
import { requestFacts } from "../requests.js";

/*
 * Regression tests for the faults of the system that this library replaces. Each number is that of a fault.
 */

useFakeTime();

const STREAM = { accept: "text/event-stream" };

test("fault 17: given no authorize, createProgress throws", () => {
  const options = { store: memoryStore() } as unknown as ProgressOptions;
  expect(() => createProgress(options)).toThrow(
    expect.objectContaining({ code: "invalid-option" }),
  );
});

test("fault 17: given the job of another user, refuses each request as for an unknown job", async () => {
  const owners = new Map<string | undefined, string>();
  const { progress, createJob } = makeContext({
    authorize: ({ jobId, facts: { header } }) => owners.get(jobId) === header("x-user"),
  });
  const id = await createJob();
  owners.set(id, "an");
  const request = (target: string, method: string) =>
    progress.handle(requestFacts(target, { ...STREAM, "x-user": "binh" }, { method }));
  for (const [path, method] of [
    ["", "GET"],
    ["/status", "GET"],
    ["/cancel", "POST"],
  ] as const) {
    const answer = await request(`/${id}${path}`, method);
    expect(answer.status).toBe(403);
    expect(answer).toEqual(await request(`/unknown${path}`, method));
  }
  expect((await progress.status(id))?.cancelRequested).toBe(false);
});

test("fault 17: given an internal error, sends neither its message nor CORS headers to the client", async () => {
  const { progress, store, createJob } = makeContext();
  const id = await createJob();
  store.fail("read");
  const answer = await progress.handle(requestFacts(`/${id}`, STREAM));
  store.recover();
  const state = await progress.run(id, () => {
    throw new Error("connect ECONNREFUSED postgres://admin:secret@db/home/app");
  });
  expect(JSON.stringify([answer, state])).not.toMatch(/secret|ECONN|postgres|\/home|at .*\.ts/);
  expect(Object.keys(answer.headers).join()).not.toMatch(/access-control/);
});

test("fault 19: given a store that does not answer, reports return at once and onError is called", async () => {
  const { progress, store, createJob, errors } = makeContext();
  const reporter = await progress.open(await createJob());
  store.hold("write");
  const steps: string[] = [];
  await reporter.step("work", () => {
    reporter.update({ message: "m" });
    reporter.log("line");
    steps.push("done");
  });
  expect(steps).toEqual(["done"]);
  await advance(11_000);
  expect(errors).toMatchObject([{ code: "store-unavailable" }]);
});
