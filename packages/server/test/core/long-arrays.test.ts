import { expect, test, vi } from "vitest";
import {
  allowAnyone,
  createProgress,
  createTickets,
  defineJob,
  memoryStore,
  ProgressError,
} from "../../src/index.js";
import { makeContext, useFakeTime } from "./context.js";

useFakeTime();

/** An array of untyped code that takes no memory. A loop over its members blocks the process. */
const long = (): never => new Array(10_000_000) as never;

/** Its length grows after it was read once, so that code which checks it and then iterates reads a second member. */
function growing(onSecond: () => void): never {
  let reads = 0;
  const get = (target: object, key: string | symbol): unknown => {
    if (key === "1") onSecond();
    return key === "length" ? [1, 2][Math.min(reads++, 1)] : Reflect.get(target, key);
  };
  return new Proxy([], { get }) as never;
}

const secret = "0".repeat(32);
const options = { store: memoryStore(), authorize: allowAnyone };

test.each<[name: string, call: (array: never) => unknown]>([
  ["create: plan", (plan) => makeContext().progress.create({ kind: "video", plan })],
  ["defineJob: plan", (plan) => defineJob({ kind: "video", plan })],
  ["createTickets: secrets", (secrets) => createTickets({ secrets })],
  [
    "createTicket: actions",
    (actions) =>
      createTickets({ secrets: [secret] }).createTicket({ jobId: "a", actions, expiresInMs: 1 }),
  ],
  ["cors.origins", (origins) => createProgress({ ...options, cors: { origins } })],
  ["trustedOrigins", (trustedOrigins) => createProgress({ ...options, trustedOrigins })],
])("given a long array as %s, refuses it without reading its members", async (_name, call) => {
  const settled = (array: never): Promise<unknown> =>
    Promise.resolve(array)
      .then(call)
      .catch((error) => error);
  const error = await settled(long());
  expect(error).toBeInstanceOf(ProgressError);
  expect(error).toMatchObject({
    code: "invalid-option",
    message: expect.stringMatching(/at most (500|1000)/),
  });
  const onSecond = vi.fn();
  await settled(growing(onSecond));
  expect(onSecond).not.toHaveBeenCalled();
});
