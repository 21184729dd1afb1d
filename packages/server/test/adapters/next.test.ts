import { expect, test } from "vitest";
import { type NextHandlers, nextProgress } from "../../src/adapters/next.js";
import type { BodyAnswer } from "../../src/core/http/types.js";
import { scriptedCore } from "./support/scripted.js";

const BODY: BodyAnswer = { kind: "body", status: 202, headers: { "x-a": "1" }, body: "{}" };
const ORIGIN = "https://app.test";

const paramsOf = (params: object) => ({ params: Promise.resolve(params) });

test("given a catch-all route, serves what is below it, whatever its path is", async () => {
  const core = scriptedCore(() => BODY);
  const { GET } = nextProgress(core);
  const below = paramsOf({ team: "a", path: ["job", "status"] });
  const response = await GET(new Request(`${ORIGIN}/docs/a/api/job/status?x=1`), below);
  expect(response.status).toBe(202);
  expect(response.headers.get("x-a")).toBe("1");
  expect(await response.text()).toBe("{}");
  const { path, query } = await core.request();
  expect(path).toBe("/job/status");
  expect([...query]).toEqual([["x", "1"]]);
});

test("given a parameter that is decoded, passes on the path as it was sent", async () => {
  const core = scriptedCore(() => BODY);
  const { POST } = nextProgress(core);
  const request = new Request(`${ORIGIN}/api/a%2Fb/cancel`, { method: "POST" });
  await POST(request, paramsOf({ path: ["a/b", "cancel"] }));
  const { path, method, raw } = await core.request();
  expect({ path, method }).toEqual({ path: "/a%2Fb/cancel", method: "POST" });
  expect(raw).toBe(request);
});

test("given an optional catch-all segment that stands for nothing, passes on the path /", async () => {
  const core = scriptedCore(() => BODY);
  await nextProgress(core).GET(new Request(`${ORIGIN}/a/api?job=A`), paramsOf({ team: "a" }));
  expect((await core.request()).path).toBe("/");
});

test("given a base, serves below it and answers 404 elsewhere", async () => {
  const core = scriptedCore(() => BODY);
  const { GET } = nextProgress(core, { base: "/api" });
  const none = paramsOf({});
  expect((await GET(new Request(`${ORIGIN}/api/job`), none)).status).toBe(202);
  expect((await core.request()).path).toBe("/job");
  const elsewhere = await GET(new Request(`${ORIGIN}/other/job`), none);
  expect(elsewhere.status).toBe(404);
  expect(await elsewhere.json()).toMatchObject({ code: "not-found" });
  expect(core.asked()).toBe(1);
});

test("given a client that has left, frees the slot", async () => {
  const core = scriptedCore();
  const request = new Request(`${ORIGIN}/api/job`, { signal: AbortSignal.abort() });
  await nextProgress(core).GET(request, paramsOf({ path: ["job"] }));
  expect((await core.subscriber()).counts.closed).toBe(1);
});

test("has a handler for each method of the protocol", () => {
  const methods = ["GET", "HEAD", "POST", "DELETE", "OPTIONS"] satisfies (keyof NextHandlers)[];
  expect(Object.keys(nextProgress(scriptedCore()))).toEqual(methods);
});
