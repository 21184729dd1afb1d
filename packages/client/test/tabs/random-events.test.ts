import { replicaFields } from "@emlinh/progress-protocol";
import fc from "fast-check";
import { expect, test } from "vitest";
import { type SimulatedBrowser, simulatedBrowser, type Tab } from "../support/tabs/browser.js";

const JOBS = ["a", "b", "c"];
const SUBJECTS = ["user:1", "user:2"];

/** A simulated browser whose tabs may be suspended. */
interface World {
  readonly browser: SimulatedBrowser;
  readonly tabs: Tab[];
  opened: number;
}

type Action = (world: World) => void | Promise<void>;

/** Applies an action to one of the tabs, if there is one. */
function onTab(action: (tab: Tab, world: World) => void): fc.Arbitrary<[string, Action]> {
  return fc.nat(6).map((index) => [
    `tab ${index}: ${action}`,
    (world) => {
      const tab = world.tabs[index % world.tabs.length];
      if (tab) action(tab, world);
    },
  ]);
}

const targets = fc.tuple(fc.subarray(JOBS), fc.subarray(SUBJECTS));
const named = (name: string, action: Action): [string, Action] => [name, action];

const actions: fc.Arbitrary<[string, Action]> = fc.oneof(
  targets.map(([jobs, subjects]) =>
    named(`open with ${jobs} ${subjects}`, (world) => {
      if (world.tabs.length >= 5) return;
      world.opened += 1;
      const tab = world.browser.open(`tab${world.opened}`);
      world.tabs.push(tab);
      tab.watch(jobs, subjects);
    }),
  ),
  fc.tuple(fc.nat(6), targets).map(([index, [jobs, subjects]]) =>
    named(`tab ${index} watches ${jobs} ${subjects}`, ({ tabs }) => {
      const tab = tabs[index % tabs.length];
      tab?.page.run(() => tab.watch(jobs, subjects));
    }),
  ),
  fc.tuple(fc.constantFrom(...JOBS), fc.integer({ min: 0, max: 100 })).map(([job, percent]) =>
    named(`write ${job} ${percent}`, ({ browser }) => {
      const line = { at: 1, level: "info", text: `${percent}` } as const;
      browser.server.jobs.write(job, { percent }, [line]);
    }),
  ),
  fc
    .constantFrom(...JOBS)
    .map((job) =>
      named(`reset ${job}`, ({ browser }) => browser.server.jobs.create(job, { percent: 0 })),
    ),
  fc
    .tuple(fc.constantFrom(...SUBJECTS), fc.subarray(JOBS))
    .map(([subject, jobs]) =>
      named(`list ${subject} ${jobs}`, ({ browser }) => browser.server.list(subject, jobs)),
    ),
  onTab((tab, { tabs }) => {
    if (tab.page.isSuspended) tab.page.crash();
    else tab.close();
    tabs.splice(tabs.indexOf(tab), 1);
  }),
  onTab(({ page }) => page.suspend()),
  onTab(({ page }) => page.resume()),
  onTab(({ page }) => page.emit("pause")),
  onTab(({ page }) => page.emit("check")),
  onTab(({ page, feed }) => page.run(() => feed.refresh())),
  fc.nat(20).map((count) =>
    named(`deliver ${count}`, async ({ browser }) => {
      for (let left = count; left > 0; left -= 1) await browser.deliverOne();
    }),
  ),
  fc
    .constantFrom(100, 2000, 9000, 20_000)
    .map((ms) => named(`pass ${ms}`, ({ browser }) => browser.pass(ms))),
);

/** Everything that a tab watches, as the server has it. */
function expected({ server }: SimulatedBrowser, { targets }: Tab): unknown {
  const lists = targets.subjects.map((subject) => [subject, server.listOf(subject)] as const);
  const jobs = new Set([...targets.jobs, ...lists.flatMap(([, ids]) => ids)]);
  return {
    lists: Object.fromEntries(lists),
    jobs: Object.fromEntries(
      [...jobs].sort().map((job) => {
        const { cursor, set, log } = server.jobs.read(job);
        return [job, { cursor, set, lines: log.map(({ n }) => n) }];
      }),
    ),
  };
}

function actual({ receiver, targets }: Tab): unknown {
  const lists = targets.subjects.map(
    (subject) => [subject, receiver.lists.get(subject)?.jobs ?? []] as const,
  );
  const jobs = new Set([...targets.jobs, ...lists.flatMap(([, ids]) => ids)]);
  return {
    lists: Object.fromEntries(lists),
    jobs: Object.fromEntries(
      [...jobs].sort().map((job) => {
        const replica = receiver.replicas.get(job);
        const lines = receiver.lines.get(`${job} ${replica?.epoch}`);
        return [job, replica && { cursor: replica.cursor, set: replicaFields(replica), lines }];
      }),
    ),
  };
}

test("after any events, each tab equals the server, was never set back, and one tab has the connection", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(actions, { minLength: 5, maxLength: 40 }),
      fc.infiniteStream(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })),
      async (events, picks) => {
        const browser = simulatedBrowser(() => picks.next().value);
        for (const job of JOBS) browser.server.jobs.create(job, { percent: 0 });
        const world: World = { browser, tabs: [], opened: 0 };
        for (const [, event] of events) await event(world);
        for (const { page } of world.tabs) {
          page.resume();
          page.emit("check");
        }
        await browser.pass(40_000);
        const active = world.tabs.filter(({ feed }) => feed.connection.status !== "idle");
        for (const tab of active) {
          expect(actual(tab)).toEqual(expected(browser, tab));
          expect(tab.feed.connection.status).toBe("live");
        }
        for (const { receiver } of world.tabs) expect(receiver.stepsBack).toEqual([]);
        expect(browser.server.connections()).toHaveLength(active.length > 0 ? 1 : 0);
      },
    ),
    { numRuns: Number(process.env.TAB_RUNS ?? 100) },
  );
}, 60_000);
