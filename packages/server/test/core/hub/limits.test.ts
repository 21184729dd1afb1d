import { describe, expect, test } from "vitest";
import { makeContext, useFakeTime } from "../context.js";
import { requestFacts } from "../requests.js";
import { openStream } from "../streams.js";

useFakeTime();

const STREAM = { accept: "text/event-stream" };

describe("limits of open streams", () => {
  test("given maxStreams, answers one more with 429 and accepts it once a slot is free", async () => {
    const { progress, createJob } = makeContext({ maxStreams: 2 });
    const [a, b] = [await createJob(), await createJob()];
    const first = await openStream(progress, a);
    await openStream(progress, b);
    const refused = await progress.handle(requestFacts(`/${b}`, STREAM));
    expect(refused).toMatchObject({ status: 429 });
    expect(Number(refused.headers["retry-after"])).toBeGreaterThan(0);
    first.subscription?.closed();
    expect((await progress.handle(requestFacts(`/${b}`, STREAM))).status).toBe(200);
  });

  test("given maxStreamsPerJob, refuses only streams of that job", async () => {
    const { progress, createJob } = makeContext({ maxStreamsPerJob: 1 });
    const [a, b] = [await createJob(), await createJob()];
    await openStream(progress, a);
    expect((await progress.handle(requestFacts(`/${a}`, STREAM))).status).toBe(429);
    expect((await progress.handle(requestFacts(`/${b}`, STREAM))).status).toBe(200);
  });
});
