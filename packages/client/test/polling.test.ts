import { describe, expect, test } from "vitest";
import { connectionFixture, cursorOf, percentIs } from "./support/connection-fixture.js";
import { until, untilStatus } from "./support/until.js";

const fixture = connectionFixture();
const { open, answerStreams, retryNow } = fixture;

const addressOfA = (): string =>
  `${fixture.server.baseUrl}/a (baseUrl: "${fixture.server.baseUrl}")`;

describe("polling", () => {
  test("given transport poll, asks the server to hold the request, and asks again with the new cursor", async () => {
    fixture.server.create("a", { percent: 1 });
    const watch = open({ transport: "poll" });
    await until(watch, percentIs(1));
    fixture.time.advance(500);
    const held = await fixture.server.request(2);
    expect(held.accept).toBe("json");
    expect(held.url.searchParams.get("wait")).toBe("20");
    expect(cursorOf(held)).toBe("epoch1.1");
    fixture.server.write("a", { percent: 2 });
    await until(watch, percentIs(2));
    fixture.server.write("a", { status: "completed", result: "done" });
    fixture.time.advance(500);
    await expect(watch.result).resolves.toBe("done");
    expect(watch.getSnapshot().connection).toEqual({
      status: "closed",
      attempt: 0,
      transport: "poll",
    });
  });

  test("given a server that does not hold polls, polls at an interval from the third answer on", async () => {
    fixture.server.create("a", { percent: 1 });
    fixture.server.intercept = ({ url, response }) => {
      const body = {
        ...fixture.server.read("a", url.searchParams.get("after") ?? ""),
        now: fixture.time.clock(),
      };
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(body));
      return true;
    };
    const watch = open({ transport: "poll" });
    await until(watch, percentIs(1));
    for (const [count, gapMs] of [500, 500, 500, 2000, 2000].entries()) {
      await fixture.time.untilPending(gapMs);
      fixture.time.advance(gapMs);
      await fixture.server.request(count + 2);
    }
    expect(fixture.server.requests.at(-1)?.url.searchParams.has("wait")).toBe(false);
  });

  test("given a poll that is never answered, drops it and tries again", async () => {
    fixture.server.create("a", { percent: 1 });
    fixture.server.intercept = () => true;
    const watch = open({ transport: "poll" });
    const { gone } = await fixture.server.request(1);
    fixture.time.advance(30_000);
    await gone;
    const { connection } = await untilStatus(watch, "waiting");
    expect(connection.error?.message).toContain("30000 ms");
    fixture.server.intercept = undefined;
    await retryNow(watch);
    await until(watch, percentIs(1));
  });

  test.each([
    ["HTML", "<p>sign in</p>"],
    ["JSON that is not a delta", '{"now":1}'],
    ["a field of the wrong type", '{"cursor":"e.1","reset":true,"set":{"plan":null},"now":1}'],
    ["a delta of an unknown epoch", '{"cursor":"e.1","set":{"percent":9},"now":1}'],
  ])("given %s, applies nothing of it, and says what was expected", async (_case, body) => {
    fixture.server.create("a", { percent: 1 });
    fixture.server.intercept = ({ response }) => {
      response.writeHead(200, { "content-type": "application/json" }).end(body);
      return true;
    };
    const watch = open({ transport: "poll" });
    const { connection, job } = await untilStatus(watch, "waiting");
    expect(job).toBeUndefined();
    expect(connection.error?.message).toBe(
      `Unexpected response: expected a delta of this job, got ${body} from ${addressOfA()}`,
    );
  });

  test("given HTML instead of a poll's answer, tries again", async () => {
    fixture.server.create("a", { percent: 1 });
    fixture.server.intercept = ({ response }) => {
      response.writeHead(200, { "content-type": "text/html" }).end("<p>sign in</p>");
      return true;
    };
    const watch = open({ transport: "poll" });
    await untilStatus(watch, "waiting");
    fixture.server.intercept = undefined;
    await retryNow(watch);
    await until(watch, percentIs(1));
  });

  test("given a stream that works again, changes over to it without a gap, and polls until then", async () => {
    fixture.server.create("a", { percent: 1 });
    answerStreams(({ response }) => response.writeHead(200, { "content-type": "text/html" }).end());
    const watch = open();
    const states: string[] = [];
    watch.on("connection", ({ status, transport }) => states.push(`${status} ${transport}`));
    await retryNow(watch);
    await until(watch, ({ connection }) => connection.transport === "poll");
    await retryNow(watch);
    await until(watch, percentIs(1));
    fixture.time.advance(500);
    const poll = await fixture.server.request(4);
    expect(poll.accept).toBe("json");
    let deliver = (): void => {};
    answerStreams((request) => {
      deliver = () =>
        fixture.server.streams.open("a", cursorOf(request) ?? undefined, request.response);
    });
    fixture.time.advance(29_000);
    const probe = await fixture.server.request(5);
    expect([probe.accept, cursorOf(probe)]).toEqual(["stream", "epoch1.1"]);
    // The probe is open and silent: the poll still delivers.
    fixture.server.write("a", { percent: 2 });
    await until(watch, percentIs(2));
    expect(watch.getSnapshot().connection.status).toBe("polling");
    deliver();
    fixture.server.write("a", { percent: 3 });
    await until(watch, percentIs(3));
    await untilStatus(watch, "live");
    expect(states.at(-1)).toBe("live stream");
  });
});
