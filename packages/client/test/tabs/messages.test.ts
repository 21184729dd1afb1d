import { ProgressError } from "@emlinh/progress-protocol";
import fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import { type Ask, decodeMessage, encodeMessage, type Update } from "../../src/tabs/messages.js";
import { type SimulatedBrowser, simulatedBrowser, type Tab } from "../support/tabs/browser.js";

const ask: Ask = {
  kind: "ask",
  id: "x",
  count: 1,
  targets: { jobs: ["a"], subjects: ["user:1"], limit: 50 },
  cursors: { a: "e.1" },
  seen: ["tag"],
  refresh: false,
};

const update: Update = {
  kind: "update",
  term: { since: 1, id: "y" },
  to: { id: "x", count: 1 },
  listed: [{ subject: "user:1", jobs: ["a"], next: null, tag: "t" }],
  deltas: [
    {
      job: "a",
      from: "e.1",
      delta: { cursor: "e.2", reset: false, set: { percent: 3 }, log: [], done: false },
    },
  ],
  refused: [{ job: "b", status: 404, code: "job-not-found" }],
  connection: {
    status: "waiting",
    attempt: 2,
    transport: "poll",
    retryAt: 5,
    error: new ProgressError("network", { message: "The request failed.", retryable: true }),
  },
  ready: 1,
  now: 2,
};

const sent = (message: Ask | Update) => decodeMessage(structuredClone(encodeMessage(message)));

describe("messages of tabs", () => {
  test("given a message, the other page reads the same one, with the error in its class", () => {
    expect(sent(ask)).toEqual(ask);
    const read = sent(update) as Update;
    expect(read).toEqual(update);
    expect(read.connection.error).toBeInstanceOf(ProgressError);
    expect(read.connection.error).toMatchObject({ code: "network", retryable: true });
  });

  const wrong = [
    undefined,
    null,
    1,
    "text",
    [],
    {},
    { kind: "other" },
    [1],
    { a: 1 },
    -1,
    0.5,
    Number.NaN,
  ];
  const paths = (value: object, path: string[] = []): string[][] =>
    Object.entries(value).flatMap(([name, part]) => {
      const here = [...path, name];
      return typeof part === "object" && part ? [here, ...paths(part, here)] : [here];
    });

  test.for([ask, encodeMessage(update) as Update])(
    "given a wrong value in any place of %o, it is not read, or is read without it",
    (message) => {
      for (const path of paths(message)) {
        for (const value of wrong) {
          const copy = structuredClone(message) as never as Record<string, never>;
          const owner = path.slice(0, -1).reduce((at, name) => at[name] as never, copy);
          owner[path.at(-1) ?? ""] = value as never;
          const read = decodeMessage(copy);
          // A message that was read can be read again: all of its parts are right.
          if (read) expect(decodeMessage(structuredClone(encodeMessage(read)))).toEqual(read);
        }
      }
    },
  );

  // The leader asks the server for the targets of all pages, so one wrong target would end the connection of each page.
  test.each([
    { jobs: ["a b"] },
    { jobs: ["a", "b&subject=user:2"] },
    { subjects: ["-"] },
    { limit: 101 },
    { limit: 0 },
  ])(
    "given a question for the targets %o, which the server would refuse, it is not read",
    (part) => {
      expect(sent({ ...ask, targets: { ...ask.targets, ...part } })).toBeUndefined();
    },
  );

  test("given any value, reading it does not throw", () => {
    fc.assert(fc.property(fc.anything(), (value) => void decodeMessage(value)));
  });
});

describe("a script of the origin that posts to the channel", () => {
  let browser: SimulatedBrowser;
  let tabs: [Tab, Tab];
  beforeEach(async () => {
    browser = simulatedBrowser();
    browser.server.jobs.create("a", { percent: 1 });
    tabs = [browser.open("1"), browser.open("2")];
    for (const tab of tabs) tab.watch(["a"]);
    await browser.pass(1000);
  });

  test("given values that are no messages, they change nothing", async () => {
    const statesBefore = tabs.map(({ receiver }) => receiver.statuses.length);
    for (const value of [
      undefined,
      null,
      5,
      "update",
      {},
      { kind: "update" },
      { kind: "ask", id: 1 },
    ])
      browser.post(value);
    await browser.settle();
    expect(tabs.map(({ receiver }) => receiver.statuses.length)).toEqual(statesBefore);
    expect(browser.server.requests).toHaveLength(1);
  });

  test("given one that pretends to lead, the tabs have a leader again within 15 s", async () => {
    browser.post({ ...(encodeMessage(update) as object), term: { since: 2 ** 52 - 2, id: "z" } });
    await browser.pass(15_000);
    browser.server.jobs.write("a", { percent: 2 });
    await browser.settle();
    for (const { feed, receiver } of tabs) {
      expect(feed.connection.status).toBe("live");
      expect(receiver.cursorOf("a")).toBe(browser.server.jobs.read("a").cursor);
    }
    expect(browser.server.connections()).toHaveLength(1);
  });
});
