import { expect } from "vitest";
import { type ListBehaviourOptions, listBehaviour } from "../list-behaviour.js";
import { openListViewer } from "../list-viewer.js";
import { tabBrowser } from "./browser.js";

/** Opens a list and a manager in each of three tabs. All of them share one connection. */
const open: ListBehaviourOptions["open"] = async (options) => {
  const browser = tabBrowser();
  const tabs = [1, 2, 3].map(() => browser.open());
  const all = tabs.map((tab) => openListViewer({ ...options, ...tab.options }));
  await browser.connected;
  return {
    all,
    check() {
      expect(tabs.map(({ isLeader }) => isLeader)).toEqual([true, false, false]);
      expect(browser.violations).toEqual([]);
    },
    close() {
      for (const viewer of all) viewer.close();
      browser.close();
    },
  };
};

listBehaviour("a list and a manager in three tabs", { open, cutEvery: 601, randomRuns: 4 });
