import { describe, expect, test } from "vitest";
import { makeContext, useFakeTime } from "../context.js";
import { bodyOf, requestFacts } from "../requests.js";

useFakeTime();

describe("POST cancel", () => {
  test("given a queued job, ends it at once; given a second request, answers the same", async () => {
    const { progress, createJob, store } = makeContext();
    const id = await createJob();
    const post = () => progress.handle(requestFacts(`/${id}/cancel`, {}, { method: "POST" }));
    const first = await post();
    expect(bodyOf(first)).toEqual({ jobId: id, status: "cancelled", cancelRequested: true });
    expect(await post()).toEqual(first);
    expect(store.calls.write).toBe(1);
  });

  test("given a running job, requests the cancel once and answers with cancelRequested", async () => {
    const { progress, createJob, setFields, store } = makeContext();
    const id = await createJob();
    await setFields(id, { status: "running" });
    const post = () => progress.handle(requestFacts(`/${id}/cancel`, {}, { method: "POST" }));
    expect(bodyOf(await post())).toEqual({ jobId: id, status: "running", cancelRequested: true });
    await post();
    expect(store.calls.write).toBe(2);
  });

  test("given a job that ends during the request, returns that end", async () => {
    const { progress, createJob, setFields, store } = makeContext();
    const id = await createJob();
    await setFields(id, { status: "running" });
    const release = store.holdReplies("read");
    const answering = progress.cancel(id);
    await setFields(id, { status: "completed" });
    release();
    expect(await answering).toMatchObject({ status: "completed", cancelRequested: false });
  });
});
