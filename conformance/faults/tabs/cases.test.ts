import { afterEach, beforeEach, expect, test } from "vitest";
import { HTML } from "../behaviour.js";
import { makeWorld, type World } from "../world.js";
import { JOBS, openTabSite, type SiteTab, type TabSite } from "./tab-site.js";

let world: World;
let site: TabSite;
/** Jobs that the server refuses. */
let forbidden: readonly string[];
/** Whether the server asks for credentials. */
let isLocked: boolean;

beforeEach(async () => {
  forbidden = [];
  isLocked = false;
  world = await makeWorld({
    heartbeatMs: 100,
    authorize(access) {
      if (isLocked) return { allow: false, reason: "not-authenticated" };
      return !forbidden.includes(access.jobId ?? "");
    },
  });
  site = await openTabSite(world, () => 0);
});
afterEach(async () => {
  site.browser.close();
  await world.close();
});

/** Opens tabs with the same list and jobs. The first one leads. */
async function openTabs(count: number): Promise<SiteTab[]> {
  const tabs = Array.from({ length: count }, () => site.open("user:1", JOBS));
  await until(({ viewer }) => JOBS.every((id) => viewer.records.get(id)?.job));
  return tabs;
}

/** Resolves when each tab meets a condition. */
async function until(expected: (tab: SiteTab) => boolean): Promise<void> {
  await Promise.all(site.tabs.map((tab) => tab.viewer.until(() => expected(tab))));
}

async function untilStatus(status: string): Promise<void> {
  await until(({ viewer }) => viewer.statuses.at(-1) === status);
}

/** Writes to a job, and waits until each tab shows it. */
async function writeAndShow(): Promise<void> {
  const lines = new Map(site.tabs.map(({ viewer }) => [viewer, linesOf(viewer)]));
  await site.write("b");
  await until(({ viewer }) => linesOf(viewer) > (lines.get(viewer) ?? 0));
}

function linesOf({ records }: SiteTab["viewer"]): number {
  return records.get("b")?.log.length ?? 0;
}

function kindOf({ list }: SiteTab["viewer"]): string | undefined {
  return list.getSnapshot().jobs.find(({ id }) => id === "b")?.kind;
}

test("given a leader that closes while it polls, the others poll on, and one of them streams again", async () => {
  let isBlocked = true;
  world.proxy.setFaults(({ stream }) => (stream && isBlocked ? HTML : { kind: "pass" }));
  const [leader] = await openTabs(3);
  await untilStatus("polling");
  await writeAndShow();
  site.close(leader as SiteTab);
  await writeAndShow();
  await untilStatus("polling");
  isBlocked = false;
  await site.expectRightAtEnd();
});

test("given a list that no tab has had for a while, a tab that opens it gets it", async () => {
  const isLoaded = ({ viewer }: SiteTab) => viewer.list.getSnapshot().isLoaded;
  const [, other] = [site.open("user:1", []), site.open("user:2", [])];
  await until(isLoaded);
  site.close(other as SiteTab);
  // The leader learns that the tab is gone.
  await site.browser.settled();
  site.open("user:2", []);
  await until(isLoaded);
  await site.expectRightAtEnd();
});

test("given a leader that was suspended before its job was replaced twice, no state of it returns", async () => {
  // A watch by id would end when its job is removed.
  const [leader] = [1, 2, 3].map(() => site.open("user:1", []));
  await until(({ viewer }) => kindOf(viewer) === "kind 0");
  leader?.suspend();
  // The leader has the second job in its stream when it goes on.
  await site.replace("b");
  await site.browser.settled();
  await site.replace("b");
  await site.passUntilReplaced();
  expect(leader?.isLeader).toBe(false);
  await until(({ page, viewer }) => page.isSuspended || kindOf(viewer) === "kind 2");
  leader?.resume();
  await until(({ viewer }) => kindOf(viewer) === "kind 2");
  await site.expectRightAtEnd();
});

test("given a leader that was suspended before the server lost its jobs, its state does not return", async () => {
  const [leader] = await openTabs(3);
  leader?.suspend();
  await site.write("b");
  await site.reset();
  await site.passUntilReplaced();
  leader?.resume();
  await until(({ viewer }) => JOBS.every((id) => viewer.records.get(id)?.resets === 1));
  await site.expectRightAtEnd();
});

test("given the leader and the next one that close at once, the third one leads", async () => {
  const [leader, next] = await openTabs(3);
  await site.write("b");
  site.close(leader as SiteTab);
  site.close(next as SiteTab);
  await writeAndShow();
  expect(site.tabs.map(({ isLeader }) => isLeader)).toEqual([true]);
  await site.expectRightAtEnd();
});

test("given a tab that opens while its list is half loaded, it is loaded with every job", async () => {
  // The lists, and the snapshot of one job.
  world.proxy.setFaults(({ index }) =>
    index === 0 ? { kind: "stall", afterBytes: 900 } : { kind: "pass" },
  );
  site.open("user:1", []);
  await until(({ viewer }) => viewer.list.getSnapshot().jobs.length > 0);
  const { viewer } = site.open("user:1", ["a"]);
  const loaded: (readonly string[])[] = [];
  viewer.list.subscribe(({ isLoaded, jobs }) => isLoaded && loaded.push(jobs.map(({ id }) => id)));
  await viewer.until(({ list }) => list.getSnapshot().isLoaded);
  expect(loaded[0]).toEqual(["b", "a"]);
  await site.expectRightAtEnd();
});

test("given one job that is refused, the other jobs and lists of each tab go on", async () => {
  forbidden = ["c"];
  for (const _ of [1, 2, 3]) site.open("user:1", JOBS);
  await until(({ viewer }) => !!viewer.records.get("c")?.settled);
  site.open("user:1", ["b", "c"]);
  await until(({ viewer }) => !!viewer.records.get("c")?.settled);
  await writeAndShow();
  for (const { viewer } of site.tabs)
    expect(viewer.records.get("c")).toMatchObject({ job: null, settled: { code: "forbidden" } });
  await untilStatus("live");
  expect(site.browser.openRequests()).toHaveLength(1);
});

test("given a server that asks for credentials, every tab closes, and refresh() starts them again", async () => {
  const tabs = await openTabs(3);
  isLocked = true;
  world.proxy.cutAll();
  await untilStatus("closed");
  expect(site.browser.openRequests()).toEqual([]);
  isLocked = false;
  for (const { viewer } of tabs) viewer.list.refresh();
  await untilStatus("live");
  expect(site.browser.openRequests()).toHaveLength(1);
});
