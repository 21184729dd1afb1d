import { rm } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { PROGRESS_PATH, SESSION_PATH } from "../../src/shared/addresses.js";
import { batchOf, batchSubject, isSubjectOf, sessionSubject } from "../../src/shared/session.js";
import { buildWorker } from "../pipeline/support.js";
import {
  createVideo,
  directoriesOf,
  ended,
  FAILING_WORKER,
  listOf,
  newSession,
  type OpenStudio,
  openStudio,
  type TestSession,
  temporaryDirectory,
  watchVideo,
  withEncoderName,
} from "./support.js";

/** A studio whose videos fail at once. */
async function openFailing(dataDir?: string): Promise<OpenStudio> {
  const env = await withEncoderName();
  return openStudio({ env, workerFile: FAILING_WORKER, ...(dataDir && { dataDir }) });
}

/** Requests videos and waits until they have ended. */
async function endedVideos(
  studio: OpenStudio,
  { cookie }: TestSession,
  ...bodies: readonly { readonly topic: string; readonly batch?: string }[]
): Promise<readonly string[]> {
  const ids: string[] = [];
  for (const body of bodies) {
    const { jobId } = await createVideo(studio, body, cookie);
    await ended(watchVideo(studio, jobId));
    ids.push(jobId);
  }
  return ids;
}

function remove(studio: OpenStudio, jobId: string, headers = {}): Promise<Response> {
  return fetch(new URL(`${PROGRESS_PATH}/${jobId}`, studio.url), { method: "DELETE", headers });
}

describe("a session", () => {
  async function visit(studio: OpenStudio, headers: Readonly<Record<string, string>> = {}) {
    const response = await fetch(new URL(SESSION_PATH, studio.url), { headers });
    const { id } = (await response.json()) as { id: string };
    return { id, cookie: response.headers.get("set-cookie") ?? "", response };
  }

  test("given a first visit, gets a cookie that scripts can't read, and keeps it", async () => {
    const studio = await openFailing();
    const { id, cookie, response } = await visit(studio);
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(cookie).toMatch(/^studio_session=[0-9a-f]{32}; Max-Age=34560000;/u);
    for (const attribute of ["HttpOnly", "SameSite=Lax", "Path=/"])
      expect(cookie).toContain(attribute);
    expect(cookie).not.toContain("Secure");
    // The id is in addresses, so it must not be the secret.
    expect(cookie).not.toContain(id);
    const [pair = ""] = cookie.split(";");
    expect(await visit(studio, { cookie: `other=1; ${pair}` })).toMatchObject({ id });
    expect((await visit(studio)).id).not.toBe(id);
  });

  test("given https at the proxy, the cookie is secure", async () => {
    const studio = await openFailing();
    const { cookie } = await visit(studio, { "x-forwarded-proto": "https" });
    expect(cookie).toContain("; Secure");
  });

  test.each(["studio_session=", "studio_session=short", "studio_session", "=;;", "__proto__=1"])(
    "given the cookie %j, gets a new one",
    async (cookie) => {
      const studio = await openFailing();
      expect((await visit(studio, { cookie })).cookie).toMatch(/^studio_session=[0-9a-f]{32}/u);
    },
  );

  test("given subjects of other sessions and of other kinds, has none of them", () => {
    expect(isSubjectOf("a", sessionSubject("a"))).toBe(true);
    expect(isSubjectOf("a", batchSubject(batchOf("a", "1")))).toBe(true);
    for (const subject of ["session:ab", "session:b", "batch:ab.1", "batch:a", "user:a", "a"])
      expect(isSubjectOf("a", subject), subject).toBe(false);
  });
});

describe("the videos of a session", () => {
  test("given two sessions, are listed to their own one only, the newest first", async () => {
    const studio = await openFailing();
    const [own, foreign] = [await newSession(studio), await newSession(studio)];
    const [first, second] = await endedVideos(studio, own, { topic: "One" }, { topic: "Two" });
    const subject = sessionSubject(own.id);
    expect(await listOf(studio, subject, own)).toEqual({ jobs: [second, first] });
    expect(await listOf(studio, subject, foreign)).toEqual({ jobs: undefined, refusedWith: 403 });
    expect(await listOf(studio, subject, { cookie: { cookie: "" } })).toMatchObject({
      refusedWith: 403,
    });
    expect(await listOf(studio, sessionSubject(foreign.id), foreign)).toEqual({ jobs: [] });
  });

  test("given a batch, is a list of its own, and no other session can add to it or read it", async () => {
    const studio = await openFailing();
    const [own, foreign] = [await newSession(studio), await newSession(studio)];
    const [first, second] = await endedVideos(
      studio,
      own,
      { topic: "One", batch: "b" },
      { topic: "Two", batch: "b" },
      { topic: "Alone" },
    );
    await endedVideos(studio, foreign, { topic: "Theirs", batch: "b" });
    const subject = batchSubject(batchOf(own.id, "b"));
    expect(await listOf(studio, subject, own)).toEqual({ jobs: [second, first] });
    expect(await listOf(studio, subject, foreign)).toEqual({ jobs: undefined, refusedWith: 403 });
  });

  test("given a restart, are the same", async () => {
    const dataDir = await temporaryDirectory();
    const studio = await openFailing(dataDir);
    const own = await newSession(studio);
    const jobs = await endedVideos(studio, own, { topic: "One" }, { topic: "Two" });
    await studio.close();
    const later = await openFailing(dataDir);
    const listed = await listOf(later, sessionSubject(own.id), own);
    expect(listed).toEqual({ jobs: jobs.toReversed() });
  });

  test("given the same key in two sessions, are two; given it twice in one, is one", async () => {
    const studio = await openFailing();
    const [own, foreign] = [await newSession(studio), await newSession(studio)];
    const ids: string[] = [];
    for (const { cookie } of [own, own, foreign]) {
      const headers = { ...cookie, "idempotency-key": "a double click" };
      ids.push((await createVideo(studio, { topic: "One" }, headers)).jobId);
    }
    expect(ids[0]).toBe(ids[1]);
    expect(ids[2]).not.toBe(ids[0]);
  });

  test("given a client without cookies, makes its video, which is in no list", async () => {
    const studio = await openFailing();
    const { jobId } = await createVideo(studio, { topic: "One", batch: "b" });
    const job = await ended(watchVideo(studio, jobId));
    expect(job.metadata.owner).toBeUndefined();
    expect((await remove(studio, jobId)).status).toBe(403);
  });
});

describe("deleting a video", () => {
  let workerFile: URL;
  beforeAll(async () => {
    workerFile = await buildWorker("server-session-test");
  });

  test("given a foreign session or none, is refused; given its own one, removes job and list entry", async () => {
    const studio = await openFailing();
    const [own, foreign] = [await newSession(studio), await newSession(studio)];
    const [jobId = "", other] = await endedVideos(studio, own, { topic: "1" }, { topic: "2" });
    expect((await remove(studio, jobId, foreign.cookie)).status).toBe(403);
    expect((await remove(studio, jobId)).status).toBe(403);
    expect((await remove(studio, jobId, own.cookie)).status).toBe(204);
    expect(await listOf(studio, sessionSubject(own.id), own)).toEqual({ jobs: [other] });
  });

  test("given a video, removes its files too", { timeout: 90_000 }, async () => {
    const studio = await openStudio({ workerFile });
    const own = await newSession(studio);
    const { jobId } = await createVideo(studio, { topic: "Xin chào.", duration: 5 }, own.cookie);
    expect((await ended(watchVideo(studio, jobId))).status).toBe("completed");
    expect(await directoriesOf(studio.dataDir)).toEqual([jobId]);
    await remove(studio, jobId, own.cookie);
    await expect.poll(() => directoriesOf(studio.dataDir)).toEqual([]);
    expect((await fetch(new URL(`/api/videos/${jobId}/file`, studio.url))).status).toBe(404);
  });

  test("given a video that was deleted on the disk, leaves the list", {
    timeout: 90_000,
  }, async () => {
    const studio = await openStudio({ workerFile });
    const own = await newSession(studio);
    const { jobId } = await createVideo(studio, { topic: "Xin chào.", duration: 5 }, own.cookie);
    await ended(watchVideo(studio, jobId));
    await rm(join(studio.dataDir, "videos", jobId), { recursive: true });
    expect(await listOf(studio, sessionSubject(own.id), own)).toEqual({ jobs: [] });
  });
});
