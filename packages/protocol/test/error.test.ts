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

test.each(["invalid-option", "invalid-change"] as const)(
  "given a wrong call, the message of %s names its section of docs/errors.md, once",
  (code) => {
    const first = new ProgressError(code, { message: "A fault." });
    expect(first.message).toBe(`A fault. See docs/errors.md#${code}.`);
    const wrapped = new ProgressError(code, { message: `Job "a": ${first.message}` });
    expect(wrapped.message).toBe(`Job "a": A fault. See docs/errors.md#${code}.`);
  },
);

test.each([
  ["redis://user:hunter2@localhost:6379", "redis://…@localhost:6379"],
  ["postgres://user:hunter/2@hunter2@host/db", "postgres://…@host/db"],
  ["https://hunter2@app.example.com/api", "https://…@app.example.com/api"],
  ["host=db user=me password=hunter2 dbname=x", "host=db user=me password=… dbname=x"],
  ["https://host/db?sslmode=x&password=hunter2&a=b", "https://host/db?sslmode=x&password=…&a=b"],
  ["https://host/a?b=c", "https://host/a?b=c"],
])("given a wrong call with %j, the message shows it without the password", (value, shown) => {
  const { message } = new ProgressError("invalid-option", { message: `url is "${value}".` });
  expect(message).toContain(`url is "${shown}".`);
});

test("given a long text of beginnings of URLs without an end, makes the message in little time", () => {
  const long = "://".repeat(1_000_000);
  const began = performance.now();
  const { message } = new ProgressError("invalid-option", { message: `url is "${long}".` });
  expect(performance.now() - began).toBeLessThan(1_000);
  expect(message).toContain(long);
});
