import { describe, expect, test } from "vitest";
import { resolveBase, targetAfter, targetBelow, targetOfLast } from "../../src/adapters/mount.js";
import { mergeVary } from "../../src/adapters/vary.js";

describe("resolveBase", () => {
  test.each([
    [undefined, ""],
    ["/", ""],
    ["/a", "/a"],
    ["/api/video-progress", "/api/video-progress"],
  ])("given %j, returns the prefix %j", (base, prefix) => {
    expect(resolveBase("nodeProgress", { base })).toBe(prefix);
  });

  test.each(["", "api", "/api/", "//", "/api?x", "/api#x", "https://x/api"])(
    "given %j, throws invalid-option and names the value",
    (base) => {
      expect(() => resolveBase("nodeProgress", { base })).toThrow(
        expect.objectContaining({ code: "invalid-option", message: expect.stringContaining(base) }),
      );
    },
  );

  test("given a misspelt option, throws invalid-option and names both names", () => {
    expect(() => resolveBase("nodeProgress", { basePath: "/api" } as object)).toThrow(
      'there is no option "basePath"; known is only "base".',
    );
  });
});

describe("targetBelow", () => {
  const below = (base: string, url: string) => {
    const target = targetBelow(base, url);
    return target && [target.path, target.query.toString()];
  };

  test.each([
    ["/p", "/p", ["/", ""]],
    ["/p", "/p/", ["/", ""]],
    ["/p", "/p/a", ["/a", ""]],
    ["/p", "/p/a/status?x=1&x=2", ["/a/status", "x=1&x=2"]],
    ["/p", "/p?job=A&job=B", ["/", "job=A&job=B"]],
    ["/p", "/p/a?after=/p/b", ["/a", "after=%2Fp%2Fb"]],
    ["/p", "/p/a%2Fb", ["/a%2Fb", ""]],
    ["/p", "/p/../a", ["/../a", ""]],
    ["/p", "/p//a", ["//a", ""]],
    ["/p", "http://host:1/p/a?b=c", ["/a", "b=c"]],
    ["/p", "http://host?/p/a", undefined],
    ["/p", "/p/a#/status?x", ["/a", ""]],
    ["/p", "/pa/b", undefined],
    ["/p", "/P/b", undefined],
    ["/p", "//p/b", undefined],
    ["/p", "*", undefined],
    ["/p", "", undefined],
    ["", "/a", ["/a", ""]],
    ["", "//a", ["//a", ""]],
    ["", "/", ["/", ""]],
    ["", "?x", ["/", "x="]],
    ["", "*", undefined],
  ])("given the base %j and the URL %j, returns %j", (base, url, expected) => {
    expect(below(base, url)).toEqual(expected);
  });
});

test.each([
  [0, "/a/status?x=1", "/a/status"],
  [1, "/p/a", "/a"],
  [2, "/api/p/a/status", "/a/status"],
  [2, "/api/p", "/"],
  [2, "/api/p/", "/"],
  [2, "http://host/t%2Fenant/p/a%20b?x", "/a%20b"],
])("given %i segments and the URL %j, targetAfter returns the path %j", (segments, url, path) => {
  expect(targetAfter(segments, url).path).toBe(path);
});

test.each([
  [1, "/api/p/a?x=1", "/a"],
  [2, "https://host/api/p/a%20b/status/", "/a%20b/status"],
  [0, "/api/p", "/"],
  [0, "/", "/"],
  [1, "/api/p//a", "/a"],
])("given %i segments and the URL %j, targetOfLast returns the path %j", (segments, url, path) => {
  expect(targetOfLast(segments, url).path).toBe(path);
});

test.each([
  [undefined, "Accept, Cookie", "Accept, Cookie"],
  ["Origin", "Accept", "Origin, Accept"],
  ["accept, Origin", "Accept, Cookie", "accept, Origin, Cookie"],
  [["Origin", "Cookie"], "Accept", "Origin, Cookie, Accept"],
  ["*", "Accept", "*"],
  ["", "Accept", "Accept"],
])("given Vary %j and the names %j, mergeVary returns %j", (before, ours, merged) => {
  expect(mergeVary(before, ours)).toBe(merged);
});
