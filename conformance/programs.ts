import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";
import { compileProgram } from "../scripts/lib/compile.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));
const root = join(here, "..");

/** A program of a test's, in a process of its own, which can be killed. It talks by `process.send`. */
export interface Program<Said> {
  readonly process: ChildProcess;
  /** All that it said, in order. */
  readonly said: readonly Said[];
  /** The first thing said, from the one on that was given out last, that meets a condition; rejects if the program ends before. */
  until(what: string, condition: (said: Said) => boolean): Promise<Said>;
  tell(message: unknown): void;
  /** Sends a signal, and resolves when the process is gone, if the signal ends it. */
  kill(signal?: NodeJS.Signals): Promise<void>;
}

/**
 * Compiles a TypeScript program with the sources of our packages, and runs it. It is killed when the test ends.
 *
 * @param file - Beside this module, such as `stores/programs/worker.ts`.
 * @param args - Given to it as one JSON argument.
 */
export async function runProgram<Said>(file: string, args: unknown): Promise<Program<Said>> {
  // Here, so that the packages that it names are found.
  const folder = mkdtempSync(join(here, "node_modules", ".program-"));
  const outfile = join(folder, `${basename(file, ".ts")}.mjs`);
  await compileProgram(root, join(here, file), outfile);
  const child = fork(outfile, [JSON.stringify(args)], {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  const said: Said[] = [];
  const waiting = new Set<() => void>();
  const ended = once(child, "exit");
  let next = 0;
  child.on("message", (message) => {
    said.push(message as Said);
    for (const look of waiting) look();
  });
  ended.then(() => {
    for (const look of waiting) look();
  });

  async function kill(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    child.kill(signal);
    if (signal !== "SIGSTOP" && signal !== "SIGCONT") await ended;
  }

  onTestFinished(async () => {
    if (child.exitCode === null && child.signalCode === null) await kill();
    rmSync(folder, { recursive: true, force: true });
  });
  return {
    process: child,
    said,
    kill,
    tell: (message) => void child.send(message as object),
    until: (what, condition) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          for (; next < said.length; next += 1) {
            const one = said[next];
            if (one === undefined || !condition(one)) continue;
            next += 1;
            waiting.delete(look);
            resolve(one);
            return;
          }
          if (child.exitCode === null && child.signalCode === null) return;
          waiting.delete(look);
          reject(
            new Error(`${file} ended before it said ${what}. Last: ${JSON.stringify(said.at(-1))}`),
          );
        };
        waiting.add(look);
        look();
      }),
  };
}
