import process from "node:process";
import { expect, onTestFinished, test } from "vitest";
import { type Child, startProgram } from "../src/launcher/child.js";
import { type Supervised, supervise } from "../src/launcher/supervised.js";
import { isAlive } from "./support/cluster-fixture.js";

const POLICY = { delayMs: 1, maxDelayMs: 4, stableMs: 60_000, maxFailures: 4 };

/** A process that runs `script`. It is ready at once. */
function run(script: string): Promise<Child> {
  return startProgram({
    ...{ name: "sample", command: process.execPath, args: ["-e", script] },
    ...{ env: process.env, onLine: () => {}, isReady: async () => true },
  });
}

const WAITS = "setInterval(() => {}, 1000)";

/** Supervises the process that `start` starts, with a record of the lines and a way to wait for one. */
async function superviseSample(
  start: (starts: number) => Promise<Child>,
  policy = POLICY,
): Promise<{
  readonly supervised: Supervised;
  readonly lines: readonly string[];
  until(text: string): Promise<void>;
}> {
  const lines: string[] = [];
  const waiting = new Set<() => void>();
  let starts = 0;
  const supervised = await supervise({
    ...{ name: "sample", policy },
    start() {
      starts += 1;
      return start(starts);
    },
    onLine(line) {
      lines.push(line);
      for (const check of waiting) check();
    },
  });
  onTestFinished(() => supervised.stop("SIGKILL"));
  const until = (text: string): Promise<void> =>
    new Promise((resolve) => {
      const check = (): void => void (lines.some((line) => line.includes(text)) && resolve());
      waiting.add(check);
      check();
    });
  return { supervised, lines, until };
}

test("given a killed process, starts it again and says so", async () => {
  const { supervised, lines, until } = await superviseSample(() => run(WAITS));
  const { pid } = supervised;
  process.kill(pid, "SIGKILL");
  await until("runs again");
  expect(supervised.pid).not.toBe(pid);
  expect(isAlive(supervised.pid)).toBe(true);
  expect(lines).toEqual([
    `sample (${pid}) was ended by SIGKILL. sample starts again in 0.001 s.`,
    `sample runs again, as process ${supervised.pid}.`,
  ]);
});

test("given a process that fails at once again and again, waits longer each time and gives up", async () => {
  const { supervised, lines, until } = await superviseSample(async (starts) => {
    if (starts === 3) throw new Error("sample did not start: port taken");
    return run(starts === 1 ? "process.exit(3)" : "process.exit(4)");
  });
  await until("is not started again");
  expect(lines.filter((line) => !line.includes("runs again"))).toEqual([
    expect.stringMatching(/exited with code 3\. sample starts again in 0\.001 s\.$/u),
    expect.stringMatching(/exited with code 4\. sample starts again in 0\.002 s\.$/u),
    "sample did not start: port taken sample starts again in 0.004 s.",
    expect.stringMatching(/exited with code 4\. This was failure 4 in a row/u),
  ]);
  await supervised.stop();
});

test("given exits of a process that had run well each time, never gives up", async () => {
  const { supervised, lines, until } = await superviseSample(() => run(WAITS), {
    ...POLICY,
    stableMs: 0,
  });
  for (let kills = 0; kills <= POLICY.maxFailures; kills += 1) {
    const { pid } = supervised;
    process.kill(pid, "SIGKILL");
    await until(`sample (${pid}) was ended`);
    await expect.poll(() => supervised.pid, { interval: 5 }).not.toBe(pid);
  }
  expect(lines.join("\n")).not.toContain("is not started again");
});

test("given a stop while the process is being started again, leaves none", async () => {
  let begin = (): void => {};
  const begun = new Promise<void>((resolve) => {
    begin = resolve;
  });
  let last: Child | undefined;
  const { supervised } = await superviseSample(async (starts) => {
    if (starts === 2) begin();
    last = await run(WAITS);
    return last;
  });
  process.kill(supervised.pid, "SIGKILL");
  await begun;
  await supervised.stop();
  expect(last?.pid).toBeGreaterThan(0);
  expect(isAlive(last?.pid ?? 0)).toBe(false);
});
