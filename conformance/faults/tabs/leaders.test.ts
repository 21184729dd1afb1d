import { setTimeout } from "node:timers/promises";
import fc from "fast-check";
import { test } from "vitest";
import { seedOf } from "../../processes/random.js";
import { HTML } from "../behaviour.js";
import type { Fault } from "../fault-proxy.js";
import { makeWorld, type World } from "../world.js";
import { JOBS, openTabSite, type SiteTab, SUBJECTS, type TabSite } from "./tab-site.js";

interface Session {
  readonly world: World;
  readonly site: TabSite;
  /** The faults of the next requests. */
  readonly faults: Fault[];
  /** Whether no stream works, so that the leader polls. */
  isBlocked: boolean;
}

interface Action {
  readonly name: string;
  run(session: Session): unknown;
}

/** Makes an action that a failure prints as its name. */
function action(name: string, run: Action["run"]): Action {
  return { name, run, [fc.toStringMethod]: () => name } as Action;
}

function always(name: string, run: Action["run"]): fc.Arbitrary<Action> {
  return fc.constant(action(name, run));
}

/** Applies an action to one of the tabs, or to the leader, if there is one. */
function onTab(name: string, run: (tab: SiteTab, session: Session) => void): fc.Arbitrary<Action> {
  return fc.nat(6).map((index) =>
    action(`${name} ${index > 3 ? "the leader" : `tab ${index}`}`, (session) => {
      const { tabs } = session.site;
      const tab = index > 3 ? tabs.find(({ isLeader }) => isLeader) : tabs[index];
      if (tab) run(tab, session);
    }),
  );
}

const bytes = fc.nat({ max: 3000 });

const fault: fc.Arbitrary<Fault> = fc.oneof(
  bytes.map((afterBytes): Fault => ({ kind: "cut", afterBytes })),
  bytes.map((afterBytes): Fault => ({ kind: "stall", afterBytes })),
  bytes.map((untilBytes): Fault => ({ kind: "buffer", untilBytes })),
  fc.constantFrom<Fault>({ kind: "refuse" }, HTML, { kind: "swallow" }),
);

const open: fc.Arbitrary<Action> = fc
  .tuple(fc.constantFrom(...SUBJECTS), fc.subarray(JOBS))
  .map(([subject, jobs]) =>
    action(
      `open a tab with ${subject} ${jobs}`,
      ({ site }) => site.tabs.length < 4 && site.open(subject, jobs),
    ),
  );

const write: fc.Arbitrary<Action> = fc
  .constantFrom(...JOBS)
  .map((job) => action(`write ${job}`, ({ site }) => site.write(job)));

const actions: fc.Arbitrary<Action> = fc.oneof(
  { weight: 3, arbitrary: open },
  { weight: 8, arbitrary: write },
  {
    weight: 3,
    arbitrary: fault.map((one) =>
      action(`fault ${JSON.stringify(one)}`, ({ faults }) => faults.push(one)),
    ),
  },
  onTab("close", (tab, { site }) => {
    tab.page.emit("pause");
    site.close(tab);
  }),
  onTab("crash", (tab, { site }) => site.close(tab)),
  onTab("suspend", (tab) => tab.suspend()),
  onTab("resume", (tab) => tab.resume()),
  onTab("pause", ({ page }) => page.emit("pause")),
  onTab("unpause", ({ page }) => page.emit("check")),
  onTab("refresh", ({ page, viewer }) => page.run(() => viewer.list.refresh())),
  always("cut all", ({ world }) => world.proxy.cutAll()),
  always("restart", ({ site }) => site.restart()),
  always("reset", ({ site }) => site.reset()),
  always("close two tabs", ({ site }) => {
    for (const tab of site.tabs.slice(0, 2)) {
      tab.page.emit("pause");
      site.close(tab);
    }
  }),
  always("block streams", (session) => {
    session.isBlocked = true;
  }),
  always("unblock streams", (session) => {
    session.isBlocked = false;
  }),
  always("pass until replaced", ({ site }) => site.passUntilReplaced()),
);

/** Makes random delays from 0 to 3 ms. */
function delays(seed: number): () => number {
  let state = seed | 1;
  return () => {
    state = Math.imul(state, 1_103_515_245) + 12_345;
    return (state >>> 16) % 4;
  };
}

/** Runs actions, each with the time until the next one in milliseconds. */
async function runSession(
  steps: readonly (readonly [Action, pauseMs: number])[],
  delayMs: () => number,
): Promise<void> {
  const world = await makeWorld({ heartbeatMs: 100, authorize: () => true });
  const site = await openTabSite(world, delayMs);
  const session: Session = { world, site, faults: [], isBlocked: false };
  world.proxy.setFaults(({ stream }) =>
    session.isBlocked && stream ? HTML : (session.faults.shift() ?? { kind: "pass" }),
  );
  const done: string[] = [];
  try {
    for (const subject of [...SUBJECTS, ...SUBJECTS]) site.open(subject, JOBS);
    await site.browser.connected;
    for (const [{ name, run }, pauseMs] of steps) {
      done.push(name);
      await run(session);
      await setTimeout(pauseMs);
    }
    session.faults.length = 0;
    session.isBlocked = false;
    await site.expectRightAtEnd();
  } catch (error) {
    throw new Error(`Wrong after: ${done.join(", ")}.`, { cause: error });
  } finally {
    site.browser.close();
    await world.close();
  }
}

const RUNS = Number(process.env.TAB_RUNS ?? 8);

test("given any sequence of faults and of leaders that go away, every tab is right", {
  timeout: 60_000 + RUNS * 1_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(actions, fc.nat(25)), { minLength: 10, maxLength: 40 }),
      fc.integer(),
      (steps, seed) => runSession(steps, delays(seed)),
    ),
    // Each run uses real connections and real waits, so shrinking would take minutes.
    {
      seed: seedOf("TAB_SEED"),
      numRuns: RUNS,
      endOnFailure: true,
    },
  );
});
