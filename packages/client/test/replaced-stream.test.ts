import type { ServerResponse } from "node:http";
import { type JobsWatch, watchJobs } from "@emlinh/progress-client";
import {
  helloFrame,
  jobDeltaFrame,
  listedFrame,
  listedOf,
  readyFrame,
} from "@emlinh/progress-protocol";
import { describe, expect, test } from "vitest";
import { connectionFixture } from "./support/connection-fixture.js";

const fixture = connectionFixture();

/** A list of the two newest jobs, as a stream tells it. */
const listed = (...jobs: readonly string[]): string =>
  listedFrame(listedOf({ subject: "user:1", jobs, next: "2" }));
const whole = (job: string): string => jobDeltaFrame(job, fixture.server.read(job));

/** A watch whose stream is being replaced, because an older job was loaded that it has to ask for by name. */
interface Replacement {
  readonly watch: JobsWatch;
  /** The ids that were shown, each time they changed. */
  readonly shown: string[];
  /** The stream that is open. */
  readonly older: ServerResponse;
  readonly olderGone: Promise<void>;
  /** The stream that replaces it, without an answer so far. */
  readonly newer: ServerResponse;
}

async function replaceStream(): Promise<Replacement> {
  const { server, time } = fixture;
  for (const id of ["f", "e", "d", "c"]) server.create(id, { percent: 1 });
  server.many.setList("user:1", ["f", "e", "d", "c"]);
  const options = { baseUrl: server.baseUrl, ...time, random: () => 0 };
  const watch = watchJobs({ ...options, subject: "user:1", limit: 2 });
  const shown: string[] = [];
  watch.subscribe(({ jobs }) => {
    const ids = jobs.map(({ id }) => id).join("");
    if (ids !== shown.at(-1)) shown.push(ids);
  });
  await expect.poll(() => shown.at(-1)).toBe("fe");
  server.intercept = ({ accept, url }) => accept === "stream" && url.searchParams.has("job");
  await watch.loadMore();
  const { response: older, gone: olderGone } = await server.request(1);
  const { response: newer } = await server.request(3);
  newer.writeHead(200, { "content-type": "text/event-stream" });
  newer.write(helloFrame({ protocol: 1, heartbeatMs: 15_000, now: 0 }, 1));
  await expect.poll(() => shown.at(-1)).toBe("fedc");
  server.create("g", { percent: 1 });
  return { watch, shown, older, olderGone, newer };
}

const percentOf = ({ getSnapshot }: JobsWatch, jobId: string) =>
  getSnapshot().jobs.find(({ id }) => id === jobId)?.percent;

describe("a stream of a list that is being replaced", () => {
  test("given a list that comes late from the older stream, keeps that of the newer one", async () => {
    const { watch, shown, older, olderGone, newer } = await replaceStream();
    newer.write(listed("g", "f") + whole("g"));
    await expect.poll(() => shown.at(-1)).toBe("gfedc");
    fixture.server.write("f", { percent: 70 });
    older.write(listed("f", "e") + whole("f"));
    // The delta after the list has arrived, so the list has arrived, too.
    await expect.poll(() => percentOf(watch, "f")).toBe(70);
    newer.write(readyFrame(0));
    await olderGone;
    expect(shown).toEqual(["", "fe", "fedc", "gfedc"]);
    watch.stop();
  });

  test("given an older list, then the same as the older stream, from the newer one, shows each once", async () => {
    const { watch, shown, older, newer } = await replaceStream();
    fixture.server.create("h", { percent: 1 });
    // The newer stream was asked for what follows [f, e]: its process has not read [h, g] yet.
    older.write(listed("h", "g") + whole("h") + whole("g") + whole("f"));
    fixture.server.write("f", { percent: 70 });
    await expect.poll(() => percentOf(watch, "f")).toBe(70);
    newer.write(listed("g", "f") + whole("g"));
    await expect.poll(() => shown.at(-1)).toBe("gfedc");
    newer.write(listed("h", "g") + whole("h") + readyFrame(0));
    await expect.poll(() => shown.at(-1)).toBe("hgfedc");
    expect(shown).toEqual(["", "fe", "fedc", "gfedc", "hgfedc"]);
    watch.stop();
  });

  test("given an older stream that ends, goes on with the list of the newer one", async () => {
    const { watch, shown, older, olderGone, newer } = await replaceStream();
    older.end(listed("e", "d"));
    await olderGone;
    newer.write(listed("g", "f") + whole("g") + readyFrame(0));
    await expect.poll(() => shown.at(-1)).toBe("gfedc");
    expect(shown).toEqual(["", "fe", "fedc", "gfedc"]);
    expect(watch.getSnapshot().connection.status).toBe("live");
    watch.stop();
  });
});
