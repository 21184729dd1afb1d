import { ProgressError } from "@emlinh/progress-protocol";
import { describe, expect, test } from "vitest";
import type { MachineEvent } from "../src/machine/events.js";
import type { RetryPolicy } from "../src/machine/policy.js";
import { reduce } from "../src/machine/reduce.js";
import type { MachineState } from "../src/machine/state.js";
import {
  C,
  CONTEXT,
  EVENTS,
  missing,
  NOW,
  outcome,
  POLICY,
  run,
  STATES,
  unauthorized,
  words,
} from "./support/machine-cases.js";

const fail = (connection: number, more = {}): MachineEvent => ({
  ...EVENTS.failed,
  connection,
  ...more,
});
const POLLING_AFTER_FAILURE: MachineState = { ...STATES.polling, strikes: 2, attempt: 2 };

describe("failures", () => {
  test("given the fifth failure in a row, polls after the first delay and probes the stream later", () => {
    const [next, effects] = run({ ...STATES.live, attempt: 4 }, EVENTS.failed);
    expect(next).toMatchObject({ status: "waiting", transport: "poll", attempt: 5 });
    expect(effects).toBe("disconnect:7 retry:1000 probe:30000");
  });

  test("given a wait, states when it ends", () => {
    expect(run(STATES.live, EVENTS.failed)[0].retryAt).toBe(NOW + 4000);
    expect(run(STATES.live, EVENTS.bye)[0].retryAt).toBe(NOW + 300);
  });

  test("given two strikes, polls, however few the failures", () => {
    const [next] = run(STATES.connecting, fail(C, { strike: true }));
    expect(next.transport).toBe("stream");
    const again = { ...next, status: "connecting", current: C } as const;
    expect(run(again, fail(C, { strike: true }))[0].transport).toBe("poll");
  });

  test("given earlier failures, an answer forgets none, later frames only their number, and age all", () => {
    const state: MachineState = { ...STATES.connecting, attempt: 3, strikes: 1, failedProbes: 2 };
    const failures = { attempt: 3, strikes: 1, failedProbes: 2 };
    expect(run(state, EVENTS.alive)[0]).toMatchObject({ status: "live", ...failures });
    expect(run(state, EVENTS.delivers)[0]).toMatchObject({ ...failures, attempt: 0 });
    const forgotten = { attempt: 0, strikes: 0, failedProbes: 0 };
    expect(run(state, EVENTS.healthy)[0]).toMatchObject(forgotten);
  });

  test("given streams that deliver for a moment and fall silent, polls after the second", () => {
    const silent = fail(C, { strike: true });
    const [next] = run(STATES.connecting, EVENTS.alive, EVENTS.delivers, silent);
    expect(next).toMatchObject({ transport: "stream", strikes: 1 });
    const again = { ...next, status: "connecting", current: C } as const;
    expect(run(again, EVENTS.alive, EVENTS.delivers, silent)[0].transport).toBe("poll");
  });

  test("given a healthy stream that is cut, waits for the first delay, and streams again", () => {
    const old = { ...STATES.live, strikes: 1, failedProbes: 1 };
    const [next, effects] = run(old, EVENTS.healthy, EVENTS.failed);
    expect(next).toMatchObject({ status: "waiting", transport: "stream", attempt: 1 });
    expect(effects).toBe("disconnect:7 retry:1000");
  });

  test("given a bare 401, asks for fresh credentials once, then tries again with backoff, and never closes", () => {
    const error = new ProgressError("network", { message: "401", status: 401, retryable: true });
    const [asked, effects] = run(STATES.connecting, fail(C, { error }));
    expect(effects).toBe("disconnect:7 stream+refresh");
    const [waiting] = run(asked, fail(C + 1, { error }));
    expect(waiting).toMatchObject({ status: "waiting", attempt: 1, error });
    expect(outcome(waiting, EVENTS["retry-due"])).toBe("connecting stream+refresh");
  });

  test("given a second 401 in a row, closes as refused; after an open, asks for credentials again", () => {
    const [asked] = run(STATES.connecting, EVENTS.unauthorized);
    const again = { ...EVENTS.unauthorized, connection: C + 1 };
    expect(run(asked, again)[0]).toMatchObject({ status: "closed", error: unauthorized });
    const [open] = run(asked, { ...EVENTS.alive, connection: C + 1 });
    expect(run(open, again)[0]).toMatchObject({ status: "connecting", refreshed: true });
  });

  test("given a bye, counts no attempt and returns within a second, unless the server asks for more", () => {
    const [next] = run(STATES.live, EVENTS.bye);
    expect(next).toMatchObject({ status: "waiting", transport: "stream", attempt: 2 });
    const byes = [0, 0.5, 0.999].map((random) =>
      words(reduce(STATES.live, { ...EVENTS.bye, ...CONTEXT, random })),
    );
    expect(byes).toEqual(
      ["retry:300", "retry:500", "retry:999"].map((wait) => `disconnect:7 ${wait}`),
    );
    expect(outcome(STATES.live, { ...EVENTS.bye, floorMs: 5000 })).toBe(
      "waiting disconnect:7 retry:5000",
    );
  });

  test("given transport stream, no number of failures makes it poll", () => {
    const policy: RetryPolicy = { ...POLICY, transport: "stream" };
    const [next] = run({ ...STATES.live, policy, attempt: 99, strikes: 99 }, EVENTS.failed);
    expect(next.transport).toBe("stream");
  });
});

describe("offline", () => {
  const retryAfter = (state: MachineState, event: MachineEvent, random: number): string =>
    words(reduce(state, { ...event, ...CONTEXT, random }));

  test("given failures, counts no attempt, tries again within a minute, and after a check at once", () => {
    const [next] = run(STATES.live, EVENTS.offline, EVENTS.failed);
    expect(next).toMatchObject({ status: "offline", attempt: 2, current: undefined });
    expect(outcome(next, EVENTS.check)).toBe("connecting stream");
    expect(outcome(next, EVENTS["retry-due"])).toBe("connecting stream");
    const waits = [0, 0.5].map((random) => retryAfter(STATES.offline, EVENTS.failed, random));
    expect(waits).toEqual(["disconnect:7 retry:60000", "disconnect:7 retry:45000"]);
  });

  test("given a server that asks for more time, waits as long", () => {
    expect(outcome(STATES.offline, fail(C, { floorMs: 90_000 }))).toContain("retry:90000");
  });

  test("given it while waiting, keeps the timer; given it between two polls, goes on polling", () => {
    expect(run(STATES.waiting, EVENTS.offline, EVENTS["retry-due"])[1]).toBe("stream");
    const between = { ...STATES.polling, current: undefined };
    expect(run(between, EVENTS.offline, EVENTS["retry-due"])[1]).toBe("hold");
  });

  test("given an answer, however it came, a later failure counts again", () => {
    const error = new ProgressError("network", { message: "502", status: 502, retryable: true });
    const [refused] = run(STATES.offline, fail(C, { error }));
    expect(refused).toMatchObject({ status: "waiting", attempt: 1 });
    expect(run(STATES.offline, EVENTS.alive, EVENTS.failed)[0]).toMatchObject({ attempt: 1 });
    const polls = { ...STATES.offline, transport: "poll" } as const;
    expect(run(polls, EVENTS.polled)[0]).toMatchObject({ status: "polling", offline: false });
  });

  test("given two silent streams, polls", () => {
    const silent = fail(C, { strike: true });
    const next = run({ ...STATES.offline, strikes: 1 }, silent)[0];
    expect(next).toMatchObject({ status: "offline", transport: "poll" });
  });

  test("given it by a page that is back, tries at once; given a stream that is overdue, replaces it", () => {
    expect(outcome(STATES.paused, EVENTS.offline)).toBe("offline stream");
    const overdue = { ...EVENTS.offline, overdue: true };
    expect(outcome(STATES.live, overdue)).toBe("offline disconnect:7 stream");
  });
});

test("given a pause without an end, asks the page, and connects if it is not paused any more", () => {
  const [paused, effects] = run(STATES.live, EVENTS.pause);
  expect(effects).toBe("disconnect:7 cancel-timers retry:60000");
  const [asked, asking] = run(paused, EVENTS["retry-due"]);
  expect(asking).toBe("ask-page");
  expect(outcome(asked, EVENTS.pause)).toBe("paused cancel-timers retry:60000");
  expect(outcome(asked, EVENTS.check)).toBe("connecting stream");
});

describe("probes", () => {
  test("given a probe that delivers, changes over to it and closes the poll", () => {
    const [probing, effects] = run(POLLING_AFTER_FAILURE, EVENTS["probe-due"]);
    expect(effects).toBe("stream");
    expect(probing).toMatchObject({ status: "polling", current: C, probe: C + 1 });
    expect(outcome(probing, { ...EVENTS.alive, connection: C + 1 })).toBe("-");
    const [live, after] = run(probing, { ...EVENTS.delivers, connection: C + 1 });
    expect(live).toMatchObject({
      status: "live",
      transport: "stream",
      current: C + 1,
      probe: undefined,
    });
    expect(after).toBe(`disconnect:${C}`);
  });

  test("given a probe that took over and falls silent, polls, and only health lets the next one take over", () => {
    const taken = [EVENTS["probe-due"], { ...EVENTS.delivers, connection: C + 1 }];
    const silent = fail(C + 1, { strike: true });
    const [next, effects] = run(POLLING_AFTER_FAILURE, ...taken, silent);
    expect(next).toMatchObject({ transport: "poll", failedProbes: 1 });
    expect(effects).toBe(`disconnect:${C + 1} retry:1000 probe:60000`);
    const [probing] = run(next, EVENTS["retry-due"], EVENTS["probe-due"]);
    expect(probing.probe).toBe(C + 3);
    expect(outcome(probing, { ...EVENTS.delivers, connection: C + 3 })).toBe("-");
    const [live] = run(probing, { ...EVENTS.healthy, connection: C + 3 });
    expect(live).toMatchObject({ status: "live", current: C + 3, strikes: 0, failedProbes: 0 });
  });

  test("given a probe that fails, polls on and waits longer for the next", () => {
    const [probing] = run(POLLING_AFTER_FAILURE, EVENTS["probe-due"]);
    const [next, effects] = run(probing, fail(C + 1));
    expect(next).toMatchObject({
      status: "polling",
      current: C,
      probe: undefined,
      failedProbes: 1,
      attempt: 2,
    });
    expect(effects).toBe(`disconnect:${C + 1} probe:30000`);
    const [, later] = run(next, EVENTS["probe-due"], fail(C + 2));
    expect(later).toBe(`disconnect:${C + 2} probe:60000`);
  });

  test("given a probe that the server ends with bye, polls on", () => {
    const [probing] = run(POLLING_AFTER_FAILURE, EVENTS["probe-due"]);
    const [next, effects] = run(probing, { ...EVENTS.bye, connection: C + 1 });
    expect(next).toMatchObject({ status: "polling", current: C, failedProbes: 1 });
    expect(effects).toBe(`disconnect:${C + 1} probe:30000`);
  });

  test("given a refused probe, whatever the status, polls on", () => {
    const [probing] = run(POLLING_AFTER_FAILURE, EVENTS["probe-due"]);
    for (const error of [missing, unauthorized])
      expect(run(probing, fail(C + 1, { error }))[0].status).toBe("polling");
  });

  test("given a stream from a probe that fails before it was healthy, polls again at once", () => {
    const [next] = run({ ...STATES.live, attempt: 0, failedProbes: 1 }, EVENTS.failed);
    expect(next).toMatchObject({ status: "waiting", transport: "poll" });
  });

  test("given a pause while polling, sets no probe; the check after it tries the stream at once", () => {
    const [paused] = run(POLLING_AFTER_FAILURE, EVENTS.pause);
    expect(outcome(paused, EVENTS["probe-due"])).toBe("-");
    expect(outcome(paused, EVENTS.check)).toBe("polling hold stream");
  });
});

describe("the server's minimum wait", () => {
  const state: MachineState = { ...STATES.waiting, floorMs: 9000, floorUntil: NOW + 4000 };

  test("given a wait that is not over, a check waits for the rest of it", () => {
    expect(outcome(state, EVENTS.check)).toBe("waiting retry:4000");
    const polls: MachineState = { ...state, transport: "poll" };
    expect(outcome(polls, EVENTS.check)).toBe("waiting retry:4000 probe:30000");
    expect(outcome({ ...state, status: "idle" }, EVENTS.start)).toContain("waiting");
  });

  test("given a clock that was set back, waits no longer than the minimum itself", () => {
    const late: MachineState = { ...state, floorUntil: NOW + 86_400_000 };
    expect(outcome(late, EVENTS.check)).toContain("retry:9000");
  });
});

test("given a stream that is overdue by the clock, a check connects again and counts no attempt", () => {
  for (const status of ["connecting", "live"] as const) {
    expect(outcome(STATES[status], EVENTS.overdue)).toBe("connecting disconnect:7 stream");
    const [next] = run(STATES[status], EVENTS.overdue);
    expect(next.attempt).toBe(STATES[status].attempt);
  }
});

describe("long polls", () => {
  test("given some that are not held, polls at an interval from the third on, until a probe failed", () => {
    const unheld = { ...EVENTS.polled, unheld: true };
    const state = { ...STATES.polling, unheld: 2 };
    expect(outcome(state, unheld)).toBe("polling disconnect:7 retry:2000");
    expect(outcome({ ...state, unheld: 1 }, unheld)).toBe("polling disconnect:7 retry:500");
    expect(run({ ...state, unheld: 1 }, EVENTS.polled)[0].unheld).toBe(0);
    const slow = { ...state, unheld: 3, current: undefined };
    expect(outcome(slow, EVENTS["retry-due"])).toBe("polling poll");
    expect(run(slow, EVENTS["probe-due"], fail(C + 1))[0].unheld).toBe(0);
  });

  test("given streams that failed, asks for long polls", () => {
    const [next] = run({ ...STATES.connecting, unheld: 3, strikes: 1 }, fail(C, { strike: true }));
    expect(outcome(next, EVENTS["retry-due"])).toBe("polling hold");
  });
});

describe("a successor", () => {
  const [REPLACING, opened] = run({ ...STATES.live, attempt: 0 }, EVENTS.retarget);
  const S = C + 1;

  test("given other targets, opens beside the stream in use, once, and takes over when it is ready", () => {
    expect(opened).toBe("stream");
    expect(REPLACING).toMatchObject({ status: "live", current: C, successor: S });
    expect(outcome(REPLACING, EVENTS.retarget)).toBe("-");
    for (const event of [EVENTS.alive, EVENTS.delivers, EVENTS.healthy, EVENTS.silent])
      expect(outcome(REPLACING, { ...event, connection: S })).toBe("-");
    const [next, effects] = run(REPLACING, { ...EVENTS.ready, connection: S });
    expect(next).toMatchObject({ status: "live", current: S, successor: undefined });
    expect(effects).toBe(`disconnect:${C}`);
  });

  test("given a stream in use that fails or leaves before, goes on with the successor, and counts no attempt", () => {
    for (const event of [EVENTS.failed, EVENTS.bye]) {
      const [next, effects] = run(REPLACING, event);
      expect(next).toMatchObject({ status: "connecting", current: S, attempt: 0 });
      expect(effects).toBe(`disconnect:${C}`);
      expect(run(next, { ...EVENTS.alive, connection: S })[0].status).toBe("live");
    }
  });

  test("given one that fails, gives the stream in use up too, and tries again", () => {
    const [next, effects] = run(REPLACING, fail(S));
    expect(next).toMatchObject({ status: "waiting", attempt: 1, successor: undefined });
    expect(effects).toBe(`disconnect:${C} disconnect:${S} retry:1000`);
  });

  test("given one that is refused, closes; given one that needs fresh credentials, connects with them", () => {
    const refused = { ...EVENTS.refused, connection: S };
    const closing = `closed disconnect:${C} disconnect:${S} cancel-timers detach`;
    expect(outcome(REPLACING, refused)).toBe(closing);
    const unauthorized = { ...EVENTS.unauthorized, connection: S };
    const asking = `connecting disconnect:${C} disconnect:${S} stream+refresh`;
    expect(outcome(REPLACING, unauthorized)).toBe(asking);
  });

  test("given a page that is paused or a watch that is left, closes with the stream in use", () => {
    for (const event of [EVENTS.pause, EVENTS.leave, EVENTS.close])
      expect(outcome(REPLACING, event)).toContain(`disconnect:${C} disconnect:${S}`);
  });

  test("given polls, the next one is sent at once, also between two of them", () => {
    expect(outcome(STATES.polling, EVENTS.retarget)).toBe(`polling disconnect:${C} hold`);
    const between = { ...STATES.polling, current: undefined };
    expect(outcome(between, EVENTS.retarget)).toBe("polling hold");
    const offline = { ...STATES.offline, transport: "poll" } as const;
    expect(outcome(offline, EVENTS.retarget)).toBe(`polling disconnect:${C} hold`);
    expect(outcome({ ...offline, current: undefined }, EVENTS.retarget)).toBe("-");
  });
});

test.each([
  ["stream", "connecting attach stream"],
  ["poll", "polling attach hold"],
  ["auto", "connecting attach stream"],
] as const)("given transport %s, starts with: %s", (transport, expected) => {
  const policy: RetryPolicy = { ...POLICY, transport };
  expect(outcome({ ...STATES.idle, policy }, EVENTS.start)).toBe(expected);
});
