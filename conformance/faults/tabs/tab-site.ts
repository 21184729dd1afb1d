import { stateOf } from "@emlinh/progress-protocol";
import { memoryStore } from "@emlinh/progress-server";
import { expect, vi } from "vitest";
import { QUICK } from "../behaviour.js";
import { type ListViewer, openListViewer } from "../list-viewer.js";
import type { Record } from "../record.js";
import { expectRight } from "../right.js";
import type { World } from "../world.js";
import { type BrowserTab, type TabBrowser, tabBrowser } from "./browser.js";

/** Jobs of the lists. The second one is in both. */
const SUBJECTS_OF = { a: ["user:1"], b: ["user:1", "user:2"], c: ["user:2"] } as const;

export type SiteJob = keyof typeof SUBJECTS_OF;

export const JOBS = Object.keys(SUBJECTS_OF) as SiteJob[];
export const SUBJECTS = ["user:1", "user:2"] as const;

/** A tab of the site, with a list and jobs that it watches by id. */
export interface SiteTab extends BrowserTab {
  readonly viewer: ListViewer;
  readonly jobs: readonly SiteJob[];
}

/** Three jobs, two lists, and the tabs that show them. */
export interface TabSite {
  readonly browser: TabBrowser;
  readonly tabs: readonly SiteTab[];
  open(subject: string, jobs: readonly SiteJob[]): SiteTab;
  /** Ends the page of a tab. */
  close(tab: SiteTab): void;
  /** Changes a job and adds a line to its log. */
  write(job: SiteJob): Promise<void>;
  /** Replaces a job by another one with the same id. The server goes on. */
  replace(job: SiteJob): Promise<void>;
  /** Starts the server again over the same store. */
  restart(): Promise<void>;
  /** Starts the server again with other jobs by the same ids. */
  reset(): Promise<void>;
  /** Moves the time until a suspended leader was replaced, for as long as it may take. */
  passUntilReplaced(): Promise<void>;
  /**
   * Asserts that the tabs share one connection, and after the end of every job that each tab shows the jobs as the
   * store has them, and never showed anything older than before.
   */
  expectRightAtEnd(): Promise<void>;
}

/**
 * The time in which a suspended leader is replaced, in milliseconds: 14 s since its last message, which may need a
 * while to arrive.
 */
const REPLACED_WITHIN_MS = 30_000;

const SKIP_MS = 250;

/** @param delayMs - The time that messages between tabs take. */
export async function openTabSite(world: World, delayMs: () => number): Promise<TabSite> {
  const browser = tabBrowser(delayMs);
  const tabs: SiteTab[] = [];
  const texts = { written: 0, resets: 0 };
  await createJobs();

  async function createJobs(): Promise<void> {
    for (const id of JOBS) await createJob(id);
  }

  async function createJob(id: SiteJob): Promise<void> {
    await world.progress.create({ id, kind: `kind ${texts.resets}`, subjects: SUBJECTS_OF[id] });
  }

  async function write(id: SiteJob): Promise<void> {
    texts.written += 1;
    const job = await world.progress.open(id);
    job.update({ message: `message ${texts.written}` });
    job.log(`line ${texts.written}`);
    await job.close();
  }

  async function untilOneConnection(): Promise<void> {
    await vi.waitFor(
      () => {
        const statuses = tabs.map(({ viewer }) => viewer.statuses.at(-1));
        expect(statuses).toEqual(tabs.map(() => "live"));
        const leader = tabs.find(({ isLeader }) => isLeader);
        expect(browser.openRequests()).toEqual([leader?.page.name]);
        expect(world.proxy.openStreams).toBe(1);
      },
      { timeout: 20_000, interval: 5 },
    );
  }

  async function expectTabRight({ viewer: { list, records, stepsBack }, jobs }: SiteTab) {
    const stored = await world.store.list(list.subject, { limit: 100 });
    const shown = list.getSnapshot().jobs;
    expect(shown.map(({ id }) => id)).toEqual(stored.jobs);
    for (const job of shown) {
      const delta = await world.store.read(job.id);
      const { etaMs: _, ...truth } = stateOf(job.id, delta?.set ?? {}, 0);
      expect(job).toMatchObject(truth);
    }
    expect(stepsBack).toEqual([]);
    for (const id of jobs) {
      const record = records.get(id) as Record;
      await expectRight(world.store, id, record);
      expect(record.settled).toEqual({ value: { by: "the site" } });
      expect(record.resets).toBeLessThanOrEqual(texts.resets);
    }
  }

  return {
    ...{ browser, tabs, write },
    open(subject, jobs) {
      const tab = browser.open();
      const options = { baseUrl: world.baseUrl, ...QUICK, healthyMs: 100, ...tab.options, subject };
      const viewer = openListViewer(options);
      for (const job of jobs) viewer.watch(job);
      const siteTab = Object.assign(tab, { viewer, jobs });
      tabs.push(siteTab);
      return siteTab;
    },
    close(tab) {
      tabs.splice(tabs.indexOf(tab), 1);
      tab.page.crash();
    },
    async replace(id) {
      texts.resets += 1;
      await world.store.remove(id);
      await createJob(id);
    },
    async restart() {
      await world.kill();
      await world.start();
    },
    async reset() {
      texts.resets += 1;
      await world.kill();
      await world.start(memoryStore());
      await createJobs();
    },
    async passUntilReplaced() {
      const leader = tabs.find((tab) => tab.isLeader && tab.page.isSuspended);
      for (let left = REPLACED_WITHIN_MS; left > 0 && leader?.isLeader; left -= SKIP_MS) {
        browser.time.skip(SKIP_MS);
        await browser.settled();
      }
    },
    async expectRightAtEnd() {
      for (const tab of tabs) {
        tab.resume();
        tab.page.emit("check");
      }
      if (tabs.length > 0) await untilOneConnection();
      for (const id of JOBS) await world.progress.run(id, async () => ({ by: "the site" }));
      await vi.waitFor(
        () => {
          const unsettled = tabs.map(({ viewer: { list, records }, jobs }) => [
            ...(list.getSnapshot().isLoaded ? [] : ["the list"]),
            ...list.getSnapshot().jobs.filter(({ status }) => status !== "completed"),
            ...jobs.filter((id) => !records.get(id)?.settled),
          ]);
          expect(unsettled).toEqual(tabs.map(() => []));
        },
        { timeout: 20_000, interval: 5 },
      );
      for (const tab of tabs) await expectTabRight(tab);
      expect(browser.violations).toEqual([]);
    },
  };
}
