import { type Replica, replicaFields } from "@emlinh/progress-protocol";
import { beforeEach, describe, expect, test } from "vitest";
import { type SimulatedBrowser, simulatedBrowser, type Tab } from "../support/tabs/browser.js";

let browser: SimulatedBrowser;
beforeEach(() => {
  browser = simulatedBrowser();
  for (const job of ["a", "b", "c"]) browser.server.jobs.create(job, { percent: 1 });
});

const percentOf = ({ receiver }: Tab, job: string) =>
  receiver.replicas.get(job)?.fields.get("percent")?.value;

const statusOf = ({ feed }: Tab) => feed.connection.status;

/** Opens tabs, one after the other, and waits until all is at rest. */
async function openTabs(...names: string[]): Promise<Tab[]> {
  const tabs: Tab[] = [];
  for (const name of names) {
    const tab = browser.open(name);
    tab.watch(["a"]);
    await browser.settle();
    tabs.push(tab);
  }
  await browser.pass(1000);
  return tabs;
}

async function openTwo(): Promise<[Tab, Tab]> {
  return (await openTabs("1", "2")) as [Tab, Tab];
}

describe("tabs that share one connection", () => {
  test("given seven tabs, one has the connection, and all are live", async () => {
    const tabs = await openTabs("1", "2", "3", "4", "5", "6", "7");
    browser.server.jobs.write("a", { percent: 2 });
    await browser.settle();
    expect(browser.server.connections()).toEqual(["1"]);
    expect(browser.server.requests).toHaveLength(1);
    expect(tabs.map((tab) => percentOf(tab, "a"))).toEqual(tabs.map(() => 2));
    expect(tabs.map(statusOf)).toEqual(tabs.map(() => "live"));
    expect(tabs.map(({ receiver }) => receiver.readyCount)).toEqual(tabs.map(() => 1));
  });

  test("given three tabs that open at once with other jobs each, one request has the jobs of all", async () => {
    const tabs = ["1", "2", "3"].map((name) => browser.open(name));
    for (const [index, tab] of tabs.entries()) tab.watch([["a", "b", "c"][index] ?? ""]);
    await browser.pass(1000);
    expect(browser.server.requests).toEqual([{ page: "1", jobs: ["a", "b", "c"] }]);
    expect(tabs.map(({ receiver }) => [...receiver.replicas.keys()])).toEqual([
      ["a"],
      ["b"],
      ["c"],
    ]);
  });

  test("given several changes of targets in one turn, the follower asks once", async () => {
    const [, follower] = await openTwo();
    const before = browser.posted.length;
    for (const jobs of [["a", "b"], ["a", "b", "c"], ["b"], ["b", "c"]]) follower.watch(jobs);
    browser.time.advance(0);
    await browser.settle();
    const asks = browser.posted
      .slice(before)
      .filter((it) => (it as { kind: string }).kind === "ask");
    expect(asks).toMatchObject([{ targets: { jobs: ["b", "c"] } }]);
    expect(browser.server.requests.at(-1)?.jobs).toEqual(["a", "b", "c"]);
    expect(percentOf(follower, "c")).toBe(1);
  });

  test("given a job that a tab watches again, the changes of the meantime are not skipped", async () => {
    const [leader, follower] = await openTwo();
    follower.watch(["b"]);
    await browser.pass(500);
    browser.server.jobs.write("a", { message: "in the meantime" });
    await browser.settle();
    follower.watch(["a"]);
    browser.server.jobs.write("a", { percent: 9 });
    await browser.pass(500);
    const [mine, others] = [follower, leader].map(({ receiver }) => receiver.replicas.get("a"));
    expect(replicaFields(mine as Replica)).toEqual(replicaFields(others as Replica));
    expect(mine?.fields.get("message")?.value).toBe("in the meantime");
  });

  test("given a list, each tab gets it and its jobs, also one that the leader knew already", async () => {
    const [leader, follower] = await openTwo();
    browser.server.list("user:1", ["b"]);
    follower.watch([], ["user:1"]);
    await browser.pass(500);
    expect([...follower.receiver.replicas.keys()].sort()).toEqual(["a", "b"]);
    browser.server.list("user:1", ["a", "b"]);
    await browser.settle();
    browser.server.jobs.write("a", { percent: 7 });
    await browser.settle();
    expect(follower.receiver.lists.get("user:1")?.jobs).toEqual(["a", "b"]);
    expect(percentOf(follower, "a")).toBe(7);
    expect(leader.receiver.lists.size).toBe(0);
  });

  test("given a job that is refused, only the tab that watches it is told, and a later tab as well", async () => {
    const [leader, follower] = await openTwo();
    browser.server.refused.add("x");
    follower.watch(["a", "x"]);
    await browser.pass(500);
    const late = browser.open("3");
    late.watch(["x"]);
    await browser.pass(500);
    const refusal = { job: "x", status: 404, code: "job-not-found" };
    expect(leader.receiver.refusals).toEqual([]);
    expect(follower.receiver.refusals).toEqual([refusal]);
    expect(late.receiver.refusals).toContainEqual(refusal);
    expect(percentOf(follower, "a")).toBe(1);
  });

  test("given a tab that closes, its jobs are watched no longer", async () => {
    const [, follower] = await openTwo();
    follower.watch(["b"]);
    await browser.pass(500);
    follower.page.crash();
    await browser.pass(500);
    expect(browser.server.requests.at(-1)?.jobs).toEqual(["a"]);
  });

  test("given no targets any more, a tab is idle, and the last one closes the connection", async () => {
    const [leader, follower] = await openTwo();
    leader.watch([]);
    await browser.pass(500);
    expect(statusOf(leader)).toBe("idle");
    expect(browser.server.connections()).toEqual(["2"]);
    follower.watch([]);
    await browser.pass(500);
    expect(browser.server.connections()).toEqual([]);
    expect(browser.locks.names()).toEqual([]);
    expect(browser.time.pending()).toEqual([]);
  });

  test("given other keys, the tabs do not share anything", async () => {
    const [one] = await openTwo();
    const other = browser.open("3", "somebody else");
    other.watch(["b"]);
    await browser.pass(500);
    expect(browser.server.connections().sort()).toEqual(["1", "3"]);
    expect(one.receiver.replicas.has("b")).toBe(false);
  });
});

describe("a server that refuses the request", () => {
  test("closes all tabs with its error, and refresh() of a follower starts them again", async () => {
    browser.server.isLocked = true;
    const [leader, follower] = await openTwo();
    for (const { feed } of [leader, follower]) {
      expect(feed.connection).toMatchObject({
        status: "closed",
        error: { code: "not-authenticated", status: 401, message: "Sign in." },
      });
    }
    browser.server.isLocked = false;
    follower.feed.refresh();
    await browser.pass(500);
    expect([leader, follower].map(statusOf)).toEqual(["live", "live"]);
  });

  test("is asked again for a new tab", async () => {
    browser.server.isLocked = true;
    const [leader] = await openTwo();
    browser.server.isLocked = false;
    const late = browser.open("3");
    late.watch(["a"]);
    await browser.pass(500);
    expect([leader, late].map(statusOf)).toEqual(["live", "live"]);
  });
});
