import { expect, test } from "vitest";
import { createReaders, type Reader } from "../../../src/core/hub/readers.js";

function readerOf(calls: string[], name: string): Reader {
  const note = (method: string) => () => {
    calls.push(`${name}.${method}`);
    if (name === "broken") throw new Error(method);
  };
  return {
    reads: () => true,
    principals: [],
    tick: note("tick"),
    leaveBy: note("leaveBy"),
    revoke() {
      note("revoke")();
      return true;
    },
    destroy: note("destroy"),
  };
}

test("given a reader that throws, calls the others and reports the error", () => {
  const faults: unknown[] = [];
  const calls: string[] = [];
  const readers = createReaders((error) => faults.push(error));
  for (const name of ["a", "broken", "b"]) readers.add(readerOf(calls, name));
  readers.tick(1);
  readers.leaveBy(() => 2);
  expect(readers.revoke(() => true)).toBe(2);
  readers.destroyAll();
  const expected = ["tick", "leaveBy", "revoke", "destroy"].flatMap((method) =>
    ["a", "broken", "b"].map((name) => `${name}.${method}`),
  );
  expect(calls).toEqual(expected);
  expect(faults).toHaveLength(4);
});

test("given a reader that is removed while they are called, does not call it", () => {
  const calls: string[] = [];
  const readers = createReaders(() => {});
  const second = readerOf(calls, "second");
  readers.add({ ...readerOf(calls, "first"), tick: () => readers.remove(second) });
  readers.add(second);
  readers.tick(1);
  expect(calls).toEqual([]);
  expect(readers.isEmpty()).toBe(false);
});
