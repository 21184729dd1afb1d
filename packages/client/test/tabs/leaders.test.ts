import { beforeEach, describe, expect, test } from "vitest";
import { type SimulatedBrowser, simulatedBrowser, type Tab } from "../support/tabs/browser.js";

let browser: SimulatedBrowser;
let tabs: [Tab, Tab, Tab];
beforeEach(async () => {
  browser = simulatedBrowser();
  browser.server.jobs.create("a", { percent: 1 });
  tabs = [browser.open("1"), browser.open("2"), browser.open("3")];
  for (const tab of tabs) tab.watch(["a"]);
  await browser.pass(1000);
  log("first");
  await browser.settle();
});

function log(text: string): void {
  browser.server.jobs.write("a", {}, [{ at: 1, level: "info", text }]);
}

/** Checks that living tabs are live, equal to the server, and were never set back. */
function expectRight(living: readonly Tab[], leader?: string): void {
  const { cursor } = browser.server.jobs.read("a");
  const connections = browser.server.connections();
  expect(leader ? connections : connections.length).toEqual(leader ? [leader] : 1);
  for (const { feed, receiver } of living) {
    expect(feed.connection.status).toBe("live");
    expect(receiver.cursorOf("a")).toBe(cursor);
    expect(receiver.stepsBack).toEqual([]);
    for (const numbers of receiver.lines.values())
      expect(numbers).toEqual(numbers.map((_, index) => index + 1));
  }
}

describe("a leader that goes away", () => {
  test.for([
    ["is closed", (tab: Tab) => tab.close()],
    ["crashes", ({ page }: Tab) => page.crash()],
    ["is frozen with an event", freeze],
    ["is left with the back button", freeze],
  ] as const)("given one that %s, another one leads at once", async ([, goAway]) => {
    goAway(tabs[0]);
    log("second");
    await browser.pass(1000);
    log("third");
    await browser.settle();
    expectRight([tabs[1], tabs[2]], "2");
  });

  function freeze({ page }: Tab): void {
    page.emit("pause");
    page.suspend();
  }

  test("given one that stops without an event, another one leads within 15 s", async () => {
    tabs[0].page.suspend();
    log("second");
    await browser.pass(14_000);
    expect(browser.server.connections()).toHaveLength(2);
    log("third");
    await browser.pass(1000);
    const [connection] = browser.server.connections().filter((name) => name !== "1");
    expect(["2", "3"]).toContain(connection);
    for (const { receiver } of [tabs[1], tabs[2]])
      expect(receiver.lines.get("a epoch1")).toEqual([1, 2, 3]);
  });

  test("given one that goes on after it was replaced, it follows, with each line once", async () => {
    tabs[0].page.suspend();
    log("second");
    await browser.pass(15_000);
    log("third");
    await browser.pass(1000);
    tabs[0].page.resume();
    await browser.pass(1000);
    log("fourth");
    await browser.settle();
    expectRight(tabs);
    expect(browser.server.connections()).not.toContain("1");
  });

  test("given one that goes on before it was replaced, it still leads", async () => {
    tabs[0].page.suspend();
    log("second");
    await browser.pass(6000);
    tabs[0].page.resume();
    await browser.pass(20_000);
    expectRight(tabs, "1");
    expect(browser.server.requests).toHaveLength(1);
  });

  test("given one that is back from the back/forward cache, it follows with the state that it had", async () => {
    freeze(tabs[0]);
    log("second");
    await browser.pass(1000);
    expect(tabs[0].feed.connection.status).toBe("paused");
    tabs[0].page.resume();
    tabs[0].page.emit("check");
    await browser.pass(1000);
    expectRight(tabs, "2");
  });

  test("given a new tab while the leader does nothing, the tab is live within 5 s", async () => {
    tabs[0].page.suspend();
    tabs[1].page.suspend();
    tabs[2].page.suspend();
    const late = browser.open("4");
    late.watch(["a"]);
    await browser.pass(5000);
    expect(late.feed.connection.status).toBe("live");
  });

  test("given all tabs at rest for a minute, the leader stays, and one request was sent", async () => {
    await browser.pass(60_000);
    expect(browser.server.requests).toHaveLength(1);
    expectRight(tabs, "1");
  });
});

describe("a page that was suspended itself", () => {
  test("given a device that was asleep, the leader stays", async () => {
    for (const { page } of tabs) page.suspend();
    browser.time.sleep(3_600_000);
    await browser.pass(20_000);
    // The follower goes on first: its timers are late.
    tabs[1].page.resume();
    await browser.settle();
    tabs[0].page.resume();
    tabs[2].page.resume();
    await browser.pass(20_000);
    expectRight(tabs, "1");
    expect(browser.server.requests).toHaveLength(1);
  });

  test("given a follower that missed changes, it gets them", async () => {
    tabs[1].page.emit("pause");
    log("second");
    await browser.settle();
    tabs[1].page.emit("check");
    await browser.pass(500);
    expectRight(tabs, "1");
  });
});

describe("an epoch that changes", () => {
  test("given a job that the server resets, all tabs have the new one", async () => {
    browser.server.jobs.create("a", { percent: 0 });
    await browser.settle();
    expectRight(tabs, "1");
  });

  test("given a leader that gets two resets and a question in one turn, its own tab is not set back", async () => {
    tabs[0].page.suspend();
    for (const percent of [5, 6]) browser.server.jobs.create("a", { percent });
    await browser.settle();
    tabs[0].page.emit("check");
    tabs[0].page.resume();
    await browser.settle();
    expectRight(tabs, "1");
  });

  test("given a leader that is replaced after it missed a reset, its state does not come back", async () => {
    tabs[0].page.suspend();
    browser.server.jobs.create("a", { percent: 0 });
    await browser.pass(15_000);
    for (const { receiver } of [tabs[1], tabs[2]]) expect(receiver.cursorOf("a")).toBe("epoch2.1");
    tabs[0].page.resume();
    await browser.pass(1000);
    expectRight(tabs);
  });
});
