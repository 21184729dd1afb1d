import { isProgressError, ProgressError } from "@emlinh/progress-protocol";
import { expect, test } from "vitest";

test("given an error with the brand, isProgressError is true, and false for an object with the same code", () => {
  const error = new ProgressError("forbidden", {
    message: "no",
    status: 403,
    cause: 1,
  });
  expect(error).toMatchObject({
    name: "ProgressError",
    code: "forbidden",
    retryable: false,
    status: 403,
    cause: 1,
  });
  expect(isProgressError(error, "forbidden")).toBe(true);
  expect(isProgressError(error, "internal")).toBe(false);
  expect(isProgressError(Object.assign(new Error("no"), { code: "forbidden" }))).toBe(false);
  expect(isProgressError({ code: "forbidden" })).toBe(false);
});
