import { expect, test, vi } from "vitest";
import type { Answer, Authorize, Progress, RequestFacts } from "../../../src/index.js";
import { advance, makeContext, useFakeTime } from "../context.js";
import { faultyStore } from "../faulty-store.js";
import { requestFacts } from "../requests.js";
import { fakeSink, subscribe } from "../streams.js";

useFakeTime();

const ODD_VALUES = [
  "",
  "a, b",
  "\u0000",
  "x".repeat(9_000),
  "__proto__",
  'W/"*"',
  "text/*;q=0.3",
  "null",
  "http://[::1]",
];
const HEADERS = ["accept", "origin", "host", "sec-fetch-site", "last-event-id", "if-none-match"];
const METHODS = ["GET", "GET", "GET", "GET", "HEAD", "POST", "DELETE", "PATCH"];

/** Random choices that are the same in each run with the same seed. */
function diceOf(seed: number) {
  let state = seed;
  const next = (): number => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return state / 2 ** 31;
  };
  return {
    chance: (probability: number): boolean => next() < probability,
    upTo: (max: number): number => next() * max,
    pick: <Item>(items: readonly Item[]): Item => items[Math.floor(next() * items.length)] as Item,
  };
}
type Dice = ReturnType<typeof diceOf>;

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** An app that answers late, oddly, not at all, or for a short time. */
function oddAuthorize(dice: Dice): Authorize {
  return async () => {
    if (dice.chance(0.1)) return new Promise(() => {});
    if (dice.chance(0.1)) await sleep(dice.upTo(300));
    if (dice.chance(0.1)) return { allow: true, until: Date.now() + dice.upTo(1_000) };
    if (dice.chance(0.05)) throw new Error("The app failed.");
    if (dice.chance(0.05)) return { allow: false, reason: "toString" } as never;
    return true;
  };
}

/** A store whose reads and watches are late or fail. */
function oddStore(dice: Dice) {
  const store = faultyStore();
  const { read, watch } = store;
  const disturb = async () => {
    if (dice.chance(0.1)) await sleep(dice.upTo(500));
    if (dice.chance(0.05)) throw new Error("ECONNRESET");
  };
  store.read = async (id, cursor) => disturb().then(() => read(id, cursor));
  store.watch = async (id, wake) => disturb().then(() => watch(id, wake));
  return store;
}

function oddRequest(dice: Dice, id: string, signal: AbortSignal): RequestFacts {
  const headers: Record<string, string> = dice.chance(0.7) ? { accept: "text/event-stream" } : {};
  for (const name of HEADERS) if (dice.chance(0.05)) headers[name] = dice.pick(ODD_VALUES);
  const method = dice.pick(METHODS);
  const suffix =
    method === "POST" ? "/cancel" : dice.pick(["", "", "/status", "?after=x.1&wait=1"]);
  const connection = dice.chance(0.5) ? {} : undefined;
  return requestFacts(`/${id}${suffix}`, headers, { method, signal, connection });
}

/** An adapter that drops the answer, subscribes late, fails to write, or never says that the response is over. */
async function oddAdapter(dice: Dice, answer: Answer): Promise<void> {
  if (answer.kind !== "stream" || dice.chance(0.3)) return;
  if (dice.chance(0.3)) await sleep(dice.upTo(4_000));
  const sink = fakeSink(dice.chance(0.3) ? 2 : undefined);
  sink.closesWhenEnded = dice.chance(0.8);
  if (dice.chance(0.1))
    sink.write = () => {
      throw new Error("EPIPE");
    };
  subscribe(answer, sink);
  if (dice.chance(0.5)) setTimeout(() => sink.subscription?.closed(), dice.upTo(3_000));
}

async function sendRequests(progress: Progress, dice: Dice, ids: readonly string[]): Promise<void> {
  for (let round = 0; round < 15; round += 1) {
    for (let i = 0; i < 50; i += 1) {
      const client = new AbortController();
      const facts = oddRequest(dice, dice.pick(ids), client.signal);
      void progress.handle(facts).then((answer) => oddAdapter(dice, answer));
      if (dice.chance(0.4)) setTimeout(() => client.abort(), dice.upTo(500));
    }
    progress.update(dice.pick(ids), { message: `${round}` }).catch(() => {});
    await advance(dice.upTo(200));
  }
}

const OPTIONS = {
  stallMs: 2_000,
  authorizeTimeoutMs: 1_000,
  heartbeatMs: 500,
  idleTimeoutMs: 5_000,
  maxWaitMs: 2_000,
  maxStreams: 300,
  rereadMs: 500,
};

test.each([1, 2, 3, 4, 5, 6])(
  "given random requests, clients, adapters, decisions and faults of the store (seed %i), no slot is left",
  async (seed) => {
    const dice = diceOf(seed);
    const store = oddStore(dice);
    const { progress, createJob } = makeContext(
      { ...OPTIONS, authorize: oddAuthorize(dice) },
      store,
    );
    const ids = await Promise.all([1, 2, 3, 4].map(() => createJob()));
    await sendRequests(progress, dice, ids);
    expect(progress.metrics().slots).toBeGreaterThan(0);
    if (seed % 2 === 0) {
      const draining = progress.drain({ spreadMs: 100, timeoutMs: 1_000 });
      await advance(1_001);
      await draining;
    } else await advance(12_000);
    expect(progress.metrics()).toMatchObject({ slots: 0, watchedJobs: 0, reporters: 0 });
    // Timers of the test's own clients and of the app are among these.
    await advance(5_000);
    expect(vi.getTimerCount()).toBe(0);
    expect(store.calls.unwatch).toBe(store.calls.watch);
  },
);
