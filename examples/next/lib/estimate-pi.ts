import { setTimeout } from "node:timers/promises";
import type { Reporter } from "@emlinh/progress-server";
import type { PiJob } from "./pi-job";

const POINTS = 100_000;

/** Estimates pi by the part of random points of a square that are in its circle. */
export async function estimatePi(
  job: Reporter<PiJob>,
  batches: number,
): Promise<{ readonly pi: number }> {
  let inside = 0;
  await job.step("sample", async (step) => {
    for (let done = 0; done < batches; ) {
      inside += pointsInside();
      done += 1;
      step.update({ done, total: batches, unit: "batches" });
      // Leaves the processor to the requests.
      await setTimeout(10, undefined, { signal: job.signal });
    }
  });
  return { pi: (4 * inside) / (batches * POINTS) };
}

function pointsInside(): number {
  let inside = 0;
  for (let n = 0; n < POINTS; n += 1) {
    if (Math.hypot(Math.random(), Math.random()) < 1) inside += 1;
  }
  return inside;
}
