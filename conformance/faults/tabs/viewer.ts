import { JobManager } from "@emlinh/progress-client";
import { expect } from "vitest";
import type { Record } from "../record.js";
import { type OpenViewer, openViewer } from "../viewer.js";
import { tabBrowser } from "./browser.js";

/**
 * Opens a viewer in each of three tabs that share one connection. A condition is met when all of them meet it. The
 * record is that of a follower, and those of the others are compared with it.
 */
export const openTabsViewer: OpenViewer = async (jobId, options) => {
  const browser = tabBrowser();
  const tabs = [1, 2, 3].map(() => browser.open());
  const managers = tabs.map(
    (tab) => new JobManager({ ...options, ...tab.options, storage: false }),
  );
  const viewers = await Promise.all(managers.map((manager) => openViewer(manager.watch(jobId))));
  await browser.connected;
  return {
    get record() {
      return viewers.at(-1)?.record;
    },
    async until(expected, condition) {
      const records = await Promise.all(viewers.map((viewer) => viewer.until(expected, condition)));
      const record = records.at(-1) as Record;
      // A tab leaves the group when it has the end.
      if (record.ends > 0 || record.settled)
        for (const other of records) expect(shownOf(other)).toEqual(shownOf(record));
      else expect(tabs.map(({ isLeader }) => isLeader)).toEqual([true, false, false]);
      expect(browser.violations).toEqual([]);
      return record;
    },
    async close() {
      await Promise.all(viewers.map((viewer) => viewer.close()));
      for (const manager of managers) manager.close();
      browser.close();
    },
  };
};

/** Everything of a record that must be the same in each tab. */
function shownOf({ job, log, ends, settled, resets }: Record): unknown {
  return { job: job && { ...job, etaMs: null }, log, ends, settled, resets };
}
