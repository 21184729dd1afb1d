import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { hasProgram } from "./support/python-worker.js";
import { serve } from "./support/server.js";

const README = readFileSync(new URL("../README.md", import.meta.url), "utf8");

test.skipIf(!hasProgram("curl") && process.env.CI === undefined)(
  "given the commands of the README, a job runs from its opening to its end",
  async () => {
    const { progress, base } = await serve();
    const { id } = await progress.create({ kind: "primes", plan: ["prepare", "count"] });
    const script = /```sh\n(.*?)```/s.exec(README)?.[1] ?? "";
    const env = { ...process.env, BASE: base, JOB: id };
    const { stdout } = await promisify(execFile)("bash", ["-euc", script], { env });
    const answers = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as object);
    expect(answers).toHaveLength(6);
    expect(answers[4]).toMatchObject({
      status: "running",
      cancelRequested: false,
      leaseMs: 60_000,
    });
    expect(await progress.status(id)).toMatchObject({
      status: "completed",
      result: { primes: 25 },
      steps: {
        prepare: { status: "completed" },
        count: { status: "completed", done: 1, total: 4 },
      },
    });
  },
);
