import { createProgress, memoryStore } from "@emlinh/progress-server";
import express from "express";
import { afterEach, expect, test, vi } from "vitest";
import { removeJobsWithoutVideo } from "../../src/server/removed-videos.js";
import { sessionOf } from "../../src/server/session.js";
import type { VideoFiles } from "../../src/server/video-files.js";
import { sessionSubject } from "../../src/shared/session.js";

const COOKIE = `studio_session=${"a".repeat(32)}`;

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

test("given a job and a list that are named hundreds of times, reads each once", async () => {
  const progress = createProgress({ store: memoryStore(), authorize: () => false });
  closers.push(() => progress.close());
  const subject = sessionSubject(sessionOf(COOKIE) ?? "");
  const { id } = await progress.create({ kind: "video", subjects: [subject] });
  const [status, list] = [vi.spyOn(progress, "status"), vi.spyOn(progress, "list")];
  const files = { has: async () => true } as Partial<VideoFiles> as VideoFiles;
  const app = express().use(removeJobsWithoutVideo(progress, files));
  const server = app.listen(0);
  closers.push(() => server.close());
  const { port } = server.address() as { port: number };

  const query = `job=${id}&subject=${subject}&`.repeat(100);
  await fetch(`http://localhost:${port}/?${query}`, { headers: { cookie: COOKIE } });
  expect([status.mock.calls.length, list.mock.calls.length]).toEqual([1, 1]);
});
