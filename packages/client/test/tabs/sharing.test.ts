import { beforeEach, describe, expect, test } from "vitest";
import { type SimulatedBrowser, simulatedBrowser, type Tab } from "../support/tabs/browser.js";

let browser: SimulatedBrowser;
beforeEach(() => {
  browser = simulatedBrowser();
  for (const job of ["a", "b", "c"]) browser.server.jobs.create(job, { percent: 1 });
});

const percentOf = ({ receiver }: Tab, job: string) =>
  receiver.replicas.get(job)?.fields.get("percent")?.value;

async function openTabs(...names: string[]): Promise<Tab[]> {
  const tabs = names.map((name) => browser.open(name));
  for (const tab of tabs) {
    tab.watch(["a"]);
    await browser.settle();
  }
  await browser.pass(1000);
  return tabs;
}

describe("tabs that share one connection", () => {
  test("given seven tabs, one has the connection, and all are live", async () => {
    const tabs = await openTabs("1", "2", "3", "4", "5", "6", "7");
    expect(browser.server.connections()).toEqual(["1"]);
    expect(browser.server.requests).toHaveLength(1);
    browser.server.jobs.write("a", { percent: 2 });
    await browser.settle();
    expect(tabs.map((tab) => percentOf(tab, "a"))).toEqual([2, 2, 2, 2, 2, 2, 2]);
    expect(tabs.map(({ feed }) => feed.connection.status)).toEqual(tabs.map(() => "live"));
    expect(tabs.map(({ receiver }) => receiver.readyCount)).toEqual(tabs.map(() => 1));
  });
});
