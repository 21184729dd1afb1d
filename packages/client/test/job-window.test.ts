import { type Listed, listedOf } from "@emlinh/progress-protocol";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type JobWindow, withListed, without, withPage } from "../src/core/jobs/job-window.js";

const list = (jobs: string, next: string | null = null): Listed =>
  listedOf({ subject: "user:1", jobs: [...jobs], next });
const window = (live: string, older = "", next: string | null = null): JobWindow => ({
  live: [...live],
  older: [...older],
  next,
});
const shown = ({ live, older, next }: JobWindow): string =>
  `${live.join("")}|${older.join("")}|${next ?? ""}`;

describe("the live part of a list is replaced", () => {
  test.each([
    ["a new job pushes one out, and no older one is shown", "abc||c", "xab", "b", false, "xab||b"],
    [
      "a new job pushes one out, and older ones are shown",
      "abc|de|e",
      "xab",
      "b",
      true,
      "xab|cde|e",
    ],
    ["a job was removed, so that an older one moves up", "abc|de|e", "acd", "d", true, "acd|e|e"],
    ["a job was removed and another one added", "abc|de|e", "xac", "c", true, "xac|de|e"],
    ["no job stays, so there may be a gap", "abc|de|e", "xyz", "z", true, "xyz||z"],
    ["the list has no other jobs", "abc|de|e", "ab", null, true, "ab||"],
    ["it has not changed", "abc|de|e", "abc", "c", true, "abc|de|e"],
    ["it was empty", "||", "abc", "c", true, "abc||c"],
  ] as const)("given that %s", (_case, before, jobs, next, keepsOlder, after) => {
    const [live = "", older = "", end = ""] = before.split("|");
    const replaced = withListed(window(live, older, end || null), list(jobs, next), keepsOlder);
    expect(shown(replaced)).toBe(after);
  });
});

test("given a page, adds the jobs that it does not have yet", () => {
  expect(shown(withPage(window("abc", "d", "d"), list("cdef", "f")))).toBe("abc|def|f");
  expect(shown(withPage(window("abc", "", "c"), list("de")))).toBe("abc|de|");
});

test("given jobs that are gone, removes them from both parts", () => {
  expect(shown(without(window("abc", "de", "e"), new Set(["b", "e"])))).toBe("ac|d|e");
});

test("given any changes of a list, the window is a part of it without gaps, and has no job twice", () => {
  const change = fc.record({
    kind: fc.constantFrom("add", "remove", "page"),
    at: fc.nat({ max: 30 }),
  });
  fc.assert(
    fc.property(fc.array(change, { maxLength: 40 }), (changes) => {
      const limit = 4;
      // A position is the age of a job, so that it stays right after a removal.
      let all = [9, 8, 7, 6, 5, 4, 3, 2, 1, 0];
      let added = 10;
      const page = (before: number): Listed => {
        const rest = all.filter((id) => id < before);
        const ids = rest.slice(0, limit);
        const next = rest.length > limit ? String(ids[ids.length - 1]) : null;
        return listedOf({ subject: "s", jobs: ids.map(String), next });
      };
      let shownNow = withListed(window(""), page(Infinity), false);
      for (const { kind, at } of changes) {
        if (kind === "page") {
          if (shownNow.next !== null) shownNow = withPage(shownNow, page(Number(shownNow.next)));
          continue;
        }
        const removed = all[at % Math.max(1, all.length)];
        all = kind === "add" ? [added++, ...all] : all.filter((id) => id !== removed);
        // The server or the refusal of a followed job tells that an older one is gone.
        if (kind === "remove") shownNow = without(shownNow, new Set([String(removed)]));
        shownNow = withListed(shownNow, page(Infinity), shownNow.older.length > 0);
        const ids = [...shownNow.live, ...shownNow.older].map(Number);
        expect(ids).toEqual(all.slice(0, ids.length));
        // The job after the window may be gone: then the next page is empty.
        if (shownNow.next === null) expect(ids).toEqual(all);
      }
    }),
  );
});
