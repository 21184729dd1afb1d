import { shareTabs, type TabLocks } from "@emlinh/progress-client/tabs";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { Feed, FeedReceiver, OpenFeed } from "../../src/core/feed/feed.js";
import { resolveWatchOptions } from "../../src/core/options.js";
import { pokedSchedule } from "../../src/tabs/poked-schedule.js";
import { watchdog } from "../../src/tabs/watchdog.js";
import { fakeTime } from "../support/fake-time.js";
import { turn } from "../support/tabs/browser.js";
import { testReceiver } from "../support/tabs/receiver.js";

afterEach(() => vi.unstubAllGlobals());

/** Feeds that note what they are told. */
function directFeeds() {
  const opened: { receiver: FeedReceiver; targets: unknown[] }[] = [];
  const direct: OpenFeed = (_options, receiver): Feed => {
    const targets: unknown[] = [];
    opened.push({ receiver, targets });
    return {
      connection: { status: "live", attempt: 0, transport: "stream" },
      setTargets: (next) => void targets.push(next),
      refresh: () => void targets.push("refresh"),
      close: () => void targets.push("close"),
    };
  };
  return { opened, direct };
}

const targets = { jobs: ["a"], subjects: [], limit: 50 };
const options = resolveWatchOptions({ baseUrl: "/api", page: false, ...fakeTime() });

describe("a platform that can't share", () => {
  test.each([
    ["Web Locks", "navigator", {}],
    ["BroadcastChannel", "BroadcastChannel", undefined],
  ])("given one without %s, a tab connects by itself", (_, name, value) => {
    vi.stubGlobal("navigator", { locks: {} });
    vi.stubGlobal(name, value);
    const { opened, direct } = directFeeds();
    const receiver = testReceiver();
    const feed = shareTabs({ key: "user" }).open(direct, options, receiver);
    feed.setTargets(targets);
    expect(opened).toEqual([{ receiver, targets: [targets] }]);
  });

  test.each([
    [
      "throws",
      () => {
        throw new DOMException("No locks here.", "SecurityError");
      },
    ],
    ["rejects", () => Promise.reject(new DOMException("No locks here.", "SecurityError"))],
  ])("given locks whose request %s, a tab connects by itself", async (_, request) => {
    const { opened, direct } = directFeeds();
    const receiver = testReceiver();
    const locks = { request, query: async () => ({}) } as never as TabLocks;
    const channel = { postMessage: vi.fn(), addEventListener: vi.fn(), close: vi.fn() };
    const sharing = shareTabs({ key: "user", locks, openChannel: () => channel });
    const feed = sharing.open(direct, options, receiver);
    feed.setTargets(targets);
    await turn();
    const more = { ...targets, jobs: ["a", "b"] };
    feed.setTargets(more);
    feed.refresh();
    feed.close();
    expect(opened).toEqual([{ receiver, targets: [targets, more, "refresh", "close"] }]);
    expect(feed.connection.status).toBe("live");
    expect(channel.close).toHaveBeenCalled();
  });
});

describe("the options of shareTabs", () => {
  test.each([undefined, {}, { key: "" }, { key: 7 }])("given %j, names the key", (wrong) => {
    expect(() => shareTabs(wrong as never)).toThrow(
      /The option "key" must be the id of the user or of the session/,
    );
  });

  test("given a wrong name, names it", () => {
    expect(() => shareTabs({ key: "user", lock: 1 } as never)).toThrow(/no option "lock".*locks/);
  });
});

describe("timers of a hidden page", () => {
  test("given timers that the browser delays, they fire when another page asks", () => {
    const time = fakeTime();
    const { schedule, poke } = pokedSchedule(time.schedule, time.clock);
    const fired: string[] = [];
    schedule(() => fired.push("due"), 1000);
    schedule(() => fired.push("cancelled"), 1000)();
    schedule(() => fired.push("later"), 5000);
    time.sleep(2000);
    poke();
    poke();
    expect(fired).toEqual(["due"]);
    time.advance(10_000);
    expect(fired).toEqual(["due", "later"]);
  });

  test("given a follower whose own timers are late, it asks again and takes nothing over", () => {
    const time = fakeTime();
    const events: string[] = [];
    const dog = watchdog({
      ...{ schedule: time.schedule, clock: time.clock, random: () => 0 },
      ask() {
        events.push("ask");
        dog.asked();
      },
      onDead: () => events.push("dead"),
    });
    dog.heard();
    time.advance(8000);
    time.sleep(60_000);
    time.advance(3000);
    expect(events).toEqual(["ask", "ask"]);
    time.advance(3000);
    expect(events).toEqual(["ask", "ask", "dead"]);
  });

  test("given a leader that answers, it is asked every 8 s, and is never dead", () => {
    const time = fakeTime();
    const asked: number[] = [];
    const start = time.clock();
    const dog = watchdog({
      ...{ schedule: time.schedule, clock: time.clock, random: () => 0 },
      ask() {
        asked.push(time.clock() - start);
        dog.asked();
        time.schedule(dog.heard, 100);
      },
      onDead: () => expect.unreachable(),
    });
    dog.heard();
    time.advance(25_000);
    expect(asked).toEqual([8000, 16_100, 24_200]);
  });
});
