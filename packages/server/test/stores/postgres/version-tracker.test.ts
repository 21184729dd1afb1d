import { describe, expect, test } from "vitest";
import { versionTracker } from "../../../src/stores/postgres/version-tracker.js";

/** A tracker of the job "a", and the versions with which its watchers were woken. */
function tracked() {
  const wakes: (number | undefined)[] = [];
  const versions = versionTracker((_key, version) => wakes.push(version));
  const untrack = versions.track("a");
  return { wakes, versions, untrack };
}

function poll(cursor: string | undefined): ReadonlyMap<string, string> {
  return new Map(cursor === undefined ? [] : [["a", cursor]]);
}

describe("the version tracker", () => {
  test("given the same or an earlier version again, wakes once", () => {
    const { wakes, versions } = tracked();
    for (const cursor of ["e.2", "e.2", "e.1", "e.3"])
      versions.onNotification({ key: "a", cursor });
    expect(versions.onPoll(["a"], poll("e.3"))).toBe(false);
    expect(wakes).toEqual([2, 3]);
  });

  test("given another epoch, a creation or a removal, wakes without a version", () => {
    const { wakes, versions } = tracked();
    versions.onNotification({ key: "a", cursor: "e.5" });
    versions.onNotification({ key: "a", cursor: "f.1" });
    versions.onNotification({ key: "a" });
    versions.onNotification({ key: "a", cursor: "f.2" });
    expect(wakes).toEqual([5, undefined, undefined, 2]);
  });

  test("given a poll that finds a version no notification reported, wakes and returns true", () => {
    const { wakes, versions } = tracked();
    expect(versions.onPoll(["a"], poll("e.1"))).toBe(false);
    expect(versions.onPoll(["a"], poll("e.2"))).toBe(true);
    expect(versions.onPoll(["a"], poll("e.2"))).toBe(false);
    expect(wakes).toEqual([undefined, 2]);
  });

  test("given a poll that finds a job for the first time, gone, or created, wakes and returns false", () => {
    const { wakes, versions } = tracked();
    const found = [undefined, undefined, "e.1", undefined, "f.1"];
    expect(found.map((cursor) => versions.onPoll(["a"], poll(cursor)))).toEqual(
      found.map(() => false),
    );
    expect(wakes).toEqual([undefined, undefined, undefined, undefined]);
  });

  test("given forgotten versions, wakes for a version that was known", () => {
    const { wakes, versions } = tracked();
    versions.onNotification({ key: "a", cursor: "e.2" });
    versions.forgetVersions();
    versions.onNotification({ key: "a", cursor: "e.2" });
    expect(wakes).toEqual([2, 2]);
  });

  test("given a job that is tracked twice, tracks it until both are ended", () => {
    const { wakes, versions, untrack } = tracked();
    const other = versions.track("a");
    untrack();
    untrack();
    versions.onNotification({ key: "a", cursor: "e.1" });
    other();
    versions.onNotification({ key: "a", cursor: "e.2" });
    expect(versions.onPoll(["a"], poll("e.3"))).toBe(false);
    expect([wakes, versions.keys()]).toEqual([[1], []]);
  });

  test("given a list that a notification announced, the next poll wakes once more and reports nothing missed", () => {
    const wakes: (number | undefined)[] = [];
    const versions = versionTracker((_key, version) => wakes.push(version));
    versions.track("@user:42");
    const found = (digest: string) => new Map([["@user:42", `${digest}.1`]]);
    expect(versions.onPoll(["@user:42"], found("a"))).toBe(false);
    versions.onNotification({ key: "@user:42" });
    expect(versions.onPoll(["@user:42"], found("b"))).toBe(false);
    expect(versions.onPoll(["@user:42"], found("b"))).toBe(false);
    expect(wakes).toHaveLength(3);
    expect(versions.onPoll(["@user:42"], found("c"))).toBe(true);
    expect(wakes).toEqual(Array(4).fill(undefined));
  });
});
