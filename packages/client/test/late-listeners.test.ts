import type { JobState, JobWatch, WatchOptions, WatchSnapshot } from "@emlinh/progress-client";
import { describe, expect, test, vi } from "vitest";
import { connectionFixture, percentIs } from "./support/connection-fixture.js";
import { until } from "./support/until.js";

const fixture = connectionFixture();
const line = (text: string) => ({ at: 1, level: "info", text }) as const;
const microtasks = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Opens a watch of a job that has a percent, a step and two lines, and waits until they are known. */
async function openKnown(options?: Partial<WatchOptions>): Promise<JobWatch> {
  const { server } = fixture;
  server.create("a", { percent: 40, "steps.render": { status: "running", percent: 50 } });
  server.write("a", {}, [line("one"), line("two")]);
  const watch = fixture.open(options);
  await until(watch, percentIs(40));
  return watch;
}

/** The events that a watch delivers from now on, in words. */
function record(watch: JobWatch): string[] {
  const seen: string[] = [];
  watch.on("progress", ({ percent, status }) => seen.push(`progress ${status} ${percent}`));
  watch.on("step", ({ id, percent }) => seen.push(`step ${id} ${percent}`));
  watch.on("log", ({ n, text }) => seen.push(`log ${n} ${text}`));
  watch.on("connection", ({ status }) => seen.push(`connection ${status}`));
  watch.on("end", ({ status }) => seen.push(`end ${status}`));
  watch.on("reset", () => seen.push("reset"));
  return seen;
}

describe("a listener that is added after the state is known", () => {
  test("is told the present state once, in a microtask, and then each change", async () => {
    const watch = await openKnown();
    const seen = record(watch);
    expect(seen).toEqual([]);
    await microtasks();
    const present = ["progress running 40", "step render 50", "log 1 one", "log 2 two"];
    expect(seen).toEqual([...present, "connection live"]);
    fixture.server.write("a", { percent: 60 }, [line("three")]);
    await until(watch, percentIs(60));
    expect(seen.slice(5)).toEqual(["log 3 three", "progress running 60"]);
  });

  test("given a job that has ended, is told its last state, its lines and the end, and each of them once", async () => {
    const watch = await openKnown();
    fixture.server.write("a", { status: "completed", result: 1 });
    await watch.result;
    for (const seen of [record(watch), record(watch)]) {
      await microtasks();
      expect(seen).toEqual([
        "progress completed 100",
        "step render 50",
        "log 1 one",
        "log 2 two",
        "connection closed",
        "end completed",
      ]);
    }
    expect(fixture.server.requests).toHaveLength(1);
  });

  test("given changes between its addition and the microtask, gets each line once, in order", async () => {
    const watch = await openKnown();
    const lines: number[] = [];
    // The first listener adds the second one while lines are delivered.
    watch.on("log", ({ n }) => {
      if (n === 3) watch.on("log", (line) => lines.push(line.n));
    });
    fixture.server.write("a", {}, [line("three"), line("four")]);
    await until(watch, ({ log }) => log.length === 4);
    fixture.server.write("a", {}, [line("five")]);
    await until(watch, ({ log }) => log.length === 5);
    await microtasks();
    expect(lines).toEqual([1, 2, 3, 4, 5]);
  });

  test("given its removal before the microtask, gets nothing", async () => {
    const watch = await openKnown();
    const never = vi.fn();
    for (const name of ["progress", "step", "log", "connection", "end"] as const)
      watch.on(name, never)();
    await microtasks();
    expect(never).not.toHaveBeenCalled();
  });

  test("given its removal during the lines, gets no more of them", async () => {
    const watch = await openKnown();
    const lines: number[] = [];
    const remove = watch.on("log", ({ n }) => {
      lines.push(n);
      remove();
    });
    await microtasks();
    expect(lines).toEqual([1]);
  });

  test("given an error that it throws, reports each, and goes on", async () => {
    const errors: unknown[] = [];
    const watch = await openKnown({ onError: (error) => errors.push(error) });
    watch.on("log", ({ n }) => {
      throw n;
    });
    watch.subscribe(() => {
      throw "now";
    });
    expect(errors).toEqual(["now"]);
    await microtasks();
    expect(errors).toEqual(["now", 1, 2]);
  });
});

describe("a watch as the store of a framework", () => {
  test("given a subscriber of Svelte, calls it at once with the snapshot, and with each later one", async () => {
    const watch = await openKnown();
    /** As Svelte's `get` reads a store. */
    let value: WatchSnapshot | undefined;
    watch.subscribe((snapshot) => {
      value = snapshot;
    })();
    expect(value).toBe(watch.getSnapshot());
    const values: WatchSnapshot[] = [];
    const { subscribe } = watch;
    const unsubscribe = subscribe((snapshot) => values.push(snapshot));
    fixture.server.write("a", { percent: 50 });
    await until(watch, percentIs(50));
    expect(values.map(({ job }) => job?.percent)).toEqual([40, 50]);
    unsubscribe();
    fixture.server.write("a", { percent: 60 });
    await until(watch, percentIs(60));
    expect(values).toHaveLength(2);
  });

  test("given `from` of Solid, its setter has the snapshot before `from` returns", async () => {
    const watch = await openKnown();
    let signal: WatchSnapshot | undefined;
    /** As Solid's `from` takes a producer with `subscribe`: without an initial value the signal begins undefined. */
    const from = (producer: {
      subscribe(set: (value: WatchSnapshot) => void): (() => void) | { unsubscribe(): void };
    }): void => {
      const unsubscribe = producer.subscribe((value) => {
        signal = value;
      });
      expect(typeof unsubscribe).toBe("function");
    };
    from(watch);
    expect(signal?.job?.percent).toBe(40);
  });

  test("given useSyncExternalStore of React, a call during the subscription finds an unchanged snapshot", async () => {
    const watch = await openKnown();
    const { getSnapshot, getServerSnapshot, subscribe } = watch;
    const rendered = getSnapshot();
    let renders = 0;
    subscribe(() => {
      if (getSnapshot() !== rendered) renders += 1;
    });
    expect(renders).toBe(0);
    expect(getServerSnapshot().job).toBeUndefined();
  });

  test("given a deep reactive proxy around the watch, every member works", async () => {
    const watch = reactive(await openKnown());
    const percents: unknown[] = [];
    watch.on("progress", ({ percent }) => percents.push(percent));
    const states: unknown[] = [];
    const iteration = (async () => {
      for await (const { percent } of watch) states.push(percent);
    })();
    await microtasks();
    fixture.server.write("a", { status: "completed", result: { url: "/v" } });
    await expect(watch.result).resolves.toEqual({ url: "/v" });
    await iteration;
    expect(percents).toEqual([40, 100]);
    expect(states).toEqual([40, 100]);
    expect(watch.getSnapshot().job?.status).toBe("completed");
    expect(watch.now()).toBeGreaterThan(0);
    watch.refresh();
    watch.stop();
  });
});

/** A proxy as Vue's `reactive` makes it: of plain objects and lists, at every depth, also as `this` of methods. */
function reactive<Value extends object>(target: Value): Value {
  const isDeep = (value: unknown): value is object =>
    Array.isArray(value) || Object.prototype.toString.call(value) === "[object Object]";
  return new Proxy(target, {
    get(object, name, receiver) {
      const value: unknown = Reflect.get(object, name, receiver);
      return isDeep(value) ? reactive(value) : value;
    },
  });
}

describe("an initial state from the server", () => {
  const initialState = (part: Partial<JobState> = {}): JobState => {
    fixture.server.create("a", { percent: 30 });
    return {
      id: "a",
      kind: "video",
      status: "running",
      attempt: 1,
      percent: 25,
      etaMs: null,
      plan: [],
      steps: {},
      metadata: {},
      ...part,
    } as JobState;
  };

  test("is shown until the first data, to listeners as well, and the first request asks for everything", async () => {
    const initial = initialState();
    const watch = fixture.open({ initial });
    expect(watch.getSnapshot().job).toBe(initial);
    expect(watch.getServerSnapshot().job).toBe(initial);
    const percents: unknown[] = [];
    const reset = vi.fn();
    watch.on("reset", reset);
    watch.on("progress", ({ percent }) => percents.push(percent));
    await until(watch, percentIs(30));
    expect(percents).toEqual([25, 30]);
    expect(reset).not.toHaveBeenCalled();
    expect(watch.getServerSnapshot().job).toBe(initial);
    const request = await fixture.server.request(1);
    expect(request.url.searchParams.has("after")).toBe(false);
  });

  test("given an ETA, counts it down while the server does not answer", async () => {
    fixture.server.intercept = () => true;
    const watch = fixture.open({ initial: initialState({ etaMs: 1500 }) });
    expect(watch.getSnapshot().job?.etaMs).toBe(1500);
    fixture.time.advance(1000);
    expect(watch.getSnapshot().job?.etaMs).toBe(500);
    fixture.time.advance(1000);
    expect(watch.getSnapshot().job?.etaMs).toBeNull();
  });

  test("given the state of another job, ignores it", () => {
    const watch = fixture.open({ initial: initialState({ id: "b" }) });
    expect(watch.getSnapshot().job).toBeUndefined();
  });
});
