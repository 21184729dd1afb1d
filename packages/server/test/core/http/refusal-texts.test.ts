import { describe, expect, test } from "vitest";
import { fetchProgress } from "../../../src/adapters/fetch.js";
import { makeContext, useFakeTime } from "../context.js";
import { bodyOf, requestFacts } from "../requests.js";

useFakeTime();

const ID_RULE = 'it must be 1 to 128 letters, digits, "_" and "-".';

async function refusal(method: string, target: string): Promise<{ readonly detail: string }> {
  const { progress } = makeContext();
  const answer = await progress.handle(requestFacts(target, {}, { method }));
  return bodyOf(answer) as { readonly detail: string };
}

describe("given a request that the server can't understand, the detail names its part and the remedy", () => {
  test.each([
    [
      "GET",
      "/progress/j1",
      'Nothing is served at "/progress/j1" below the path where the handler is mounted; ',
    ],
    ["GET", "/", "The query names no job and no subject. Many jobs are served at "],
    ["GET", "/?job=a%20b", `The job id is "a b"; ${ID_RULE}`],
    ["GET", "/?subject=-a", 'The subject is "-a"; it must be 1 to 128 letters, digits and '],
    ["GET", "/?subject=a&limit=101", 'The query parameter "limit" is "101"; it must be a whole '],
    ["GET", "/?subject=a&before=a%20b", 'The query parameter "before" is "a b"; it must be the '],
    ["GET", "/?job=a&before=a", '"before" is for one subject, as JSON and without "wait".'],
    ["POST", "/?job=a", '"POST" is not allowed for "/"; use GET, HEAD.'],
    ["GET", "/a/status/more?token=secret", 'Nothing is served at "/a/status/more" below '],
    ["PUT", "/a", '"PUT" is not allowed for "/a"; use GET, HEAD, DELETE.'],
    ["GET", "/a/cancel", '"GET" is not allowed for "/a/cancel"; use POST.'],
    ["GET", "/a%20b", `The job id is "a b"; ${ID_RULE}`],
    [
      "GET",
      "/a?wait=soon",
      'The query parameter "wait" is "soon"; it must be a number of seconds.',
    ],
  ])("%s %s", async (method, target, detail) => {
    const body = await refusal(method, target);
    expect(body.detail).toContain(detail);
    expect(body.detail).not.toContain("secret");
  });

  test("a path that is not served names where jobs are", async () => {
    const { detail } = await refusal("GET", "/x/y");
    expect(detail).toContain("jobs are served at {base}/{jobId}.");
  });
});

describe("given a hostile path, its quotation is short, on one line and of printable ASCII (P42)", () => {
  test.each([
    ["control characters", "/a\u0000\u001b[31m\r\nb/c"],
    ["characters that turn the text", "/\u202egnp/c"],
    ["a path of a megabyte", `/${"x".repeat(1_000_000)}/c`],
    ["an encoded line break in an id", "/a%0Ab"],
  ])("%s", async (_name, target) => {
    const { detail } = await refusal("GET", target);
    expect(detail).toMatch(/^[ -~]+$/);
    expect(detail.length).toBeLessThan(400);
  });
});

test("given a base that is not where the app serves it, the 404 of the adapter names path and base", async () => {
  const { progress } = makeContext();
  const serve = fetchProgress(progress, { base: "/api/progress" });
  const response = await serve(new Request("https://app.test/progress/j1?token=secret"));
  expect(response.status).toBe(404);
  expect(await response.json()).toMatchObject({
    code: "not-found",
    detail: 'Nothing is served at "/progress/j1"; jobs are served at /api/progress/{jobId}.',
  });
});
