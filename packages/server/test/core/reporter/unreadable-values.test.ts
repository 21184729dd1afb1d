import { describe, expect, test } from "vitest";
import { makeContext, useFakeTime } from "../context.js";
import { openPlannedJob } from "./jobs.js";

/** Values that throw when they are read, each for another reason. */
const UNREADABLE: readonly { readonly name: string; make(): object }[] = [
  {
    name: "a proxy that was revoked",
    make() {
      const { proxy, revoke } = Proxy.revocable({}, {});
      revoke();
      return proxy;
    },
  },
  {
    name: "a proxy whose traps throw",
    make: () => new Proxy({}, new Proxy({}, { get: () => () => fail() })),
  },
  {
    name: "an object with a getter that throws",
    make: () => Object.defineProperty({}, "message", { enumerable: true, get: fail }),
  },
];

function fail(): never {
  throw new Error("It can't be read.");
}

describe("values that throw when they are read", () => {
  useFakeTime();

  test.each(UNREADABLE)(
    "given $name as the error of the work, the job ends as failed",
    async ({ make }) => {
      const context = makeContext();
      const job = await context.progress.create({ kind: "video" });
      const { status, error } = await context.progress.run(job, () => {
        throw make();
      });
      expect(status).toBe("failed");
      expect(error).toEqual({ code: "job-failed", message: "The job failed." });
    },
  );

  test.each(UNREADABLE)(
    "given $name, no report throws, and the next one is stored",
    async ({ make }) => {
      const context = makeContext();
      const job = await openPlannedJob(context);
      const step = job.beginStep("render");
      const value = make() as never;
      job.update(value);
      job.update({ message: value });
      job.log(value, value);
      job.log("line", { data: value });
      job.beginStep(value).complete();
      job.skip(value);
      step.update(value);
      step.update({ message: value });
      step.fail(value);
      job.update({ message: "stored" });
      await job.flush();
      expect(job.state.message).toBe("stored");
      expect(job.state.steps.render?.status).toBe("failed");
    },
  );
});
