import type { MakeStore, StoreCapabilities } from "@emlinh/progress-server/testing";
import { withContext } from "@emlinh/progress-server/testing/context";
import fc from "fast-check";
import { createDriver, finish, takeStep } from "./store-driver.js";
import { type Step, stepsOf } from "./store-steps.js";

/**
 * Drives a store through random sequences of steps and compares each answer with that of a naive model. A sequence that
 * fails is shortened and thrown, with the seed that repeats it.
 *
 * @param capabilities - Those of the suite. With `shared` two instances take turns.
 * @param parameters - Those of fast-check. By default 30 sequences of up to 40 steps.
 */
export async function storeProperty(
  makeStore: MakeStore,
  capabilities: Pick<StoreCapabilities, "clock" | "shared" | "maxWakeMs">,
  parameters: fc.Parameters<[readonly Step[]]> = {},
): Promise<void> {
  const property = fc.asyncProperty(stepsOf(capabilities.clock), (steps) =>
    withContext(makeStore, capabilities, async (context) => {
      const driver = await createDriver(context, capabilities);
      for (const step of steps) await takeStep(driver, step);
      await finish(driver);
    }),
  );
  await fc.assert(property, { numRuns: 30, includeErrorInReport: true, ...parameters });
}
