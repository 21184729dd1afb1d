import { ProgressError } from "@emlinh/progress-protocol";
import { expect, test } from "vitest";
import {
  type DeliveryWaiters,
  deliveryWaiters,
} from "../../../src/core/reporter/delivery-waiters.js";
import { flushMicrotasks } from "../context.js";

const REFUSED = new ProgressError("too-large", { message: "The change is too large." });
const CLOSED = new ProgressError("closed", { message: "The reporter is closed." });

/** Waits for each number. @returns the outcomes so far: a number or the code of an error. */
function recordOutcomes(waiters: DeliveryWaiters, numbers: readonly number[]) {
  const outcomes: (number | string)[] = [];
  for (const upTo of numbers)
    waiters.wait(upTo).then(
      () => outcomes.push(upTo),
      (error: ProgressError) => outcomes.push(`${upTo} ${error.code}`),
    );
  return async (): Promise<readonly (number | string)[]> => {
    await flushMicrotasks();
    return outcomes;
  };
}

test("given stored changes, resolves the waiters up to their number", async () => {
  const waiters = deliveryWaiters();
  const outcomes = recordOutcomes(waiters, [1, 2, 2, 3]);
  waiters.resolve(0);
  expect(await outcomes()).toEqual([]);
  waiters.resolve(2);
  expect(await outcomes()).toEqual([1, 2, 2]);
  waiters.resolve(3);
  expect(await outcomes()).toEqual([1, 2, 2, 3]);
});

test("given a refused change, rejects only the waiters of its number", async () => {
  const waiters = deliveryWaiters();
  const outcomes = recordOutcomes(waiters, [1, 2, 3]);
  waiters.reject(2, REFUSED);
  expect(await outcomes()).toEqual(["2 too-large"]);
  waiters.resolve(3);
  expect(await outcomes()).toEqual(["2 too-large", 1, 3]);
});

test("given rejectAll(), rejects every waiter", async () => {
  const waiters = deliveryWaiters();
  const outcomes = recordOutcomes(waiters, [1, 2]);
  waiters.rejectAll(CLOSED);
  expect(await outcomes()).toEqual(["1 closed", "2 closed"]);
});

test("given a waiter that was settled, does not settle it again", async () => {
  const waiters = deliveryWaiters();
  const outcomes = recordOutcomes(waiters, [1]);
  waiters.resolve(1);
  waiters.resolve(1);
  waiters.reject(1, REFUSED);
  waiters.rejectAll(CLOSED);
  expect(await outcomes()).toEqual([1]);
});

test("given a waiter that comes after rejectAll(), keeps it waiting", async () => {
  const waiters = deliveryWaiters();
  waiters.rejectAll(CLOSED);
  const outcomes = recordOutcomes(waiters, [1]);
  expect(await outcomes()).toEqual([]);
  waiters.resolve(1);
  expect(await outcomes()).toEqual([1]);
});
