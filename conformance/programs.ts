import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";
import { compileProgram } from "../scripts/lib/compile.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));
const root = join(here, "..");

/** A program that a test runs in a process of its own, and can kill. It sends messages by `process.send`. */
export interface Program<Said> {
  readonly process: ChildProcess;
  /** All messages that it sent, in order. */
  readonly said: readonly Said[];
  /**
   * Resolves with the first message that meets the condition, among those after the one that the last call resolved
   * with. Rejects if the program ends before that. `what` names the message in the error.
   */
  until(what: string, condition: (said: Said) => boolean): Promise<Said>;
  /** Sends a message to the program. */
  tell(message: unknown): void;
  /** Sends a signal. If the signal ends the process, resolves when the process has exited. */
  kill(signal?: NodeJS.Signals): Promise<void>;
}

/**
 * Compiles a TypeScript program together with the sources of our packages, and runs it. It is killed when the test
 * ends.
 *
 * @param file - Relative to this folder, such as `stores/programs/worker.ts`.
 * @param args - Passed to the program as one JSON argument.
 * @param home - The folder of the package whose dependencies the program imports, relative to this folder.
 */
export async function runProgram<Said>(
  file: string,
  args: unknown,
  home = ".",
): Promise<Program<Said>> {
  // Below that folder, so that the packages that the program imports are found.
  const folder = mkdtempSync(join(here, home, "node_modules", ".program-"));
  const outfile = join(folder, `${basename(file, ".ts")}.mjs`);
  await compileProgram(root, join(here, file), outfile);
  const child = fork(outfile, [JSON.stringify(args)], {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  const exited = once(child, "exit");
  const isRunning = () => child.exitCode === null && child.signalCode === null;

  async function kill(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    child.kill(signal);
    if (signal !== "SIGSTOP" && signal !== "SIGCONT") await exited;
  }

  onTestFinished(async () => {
    if (isRunning()) await kill();
    rmSync(folder, { recursive: true, force: true });
  });
  return {
    process: child,
    kill,
    tell: (message) => void child.send(message as object),
    ...receive<Said>(file, child, isRunning),
  };
}

/** Collects the messages of a program. */
function receive<Said>(
  file: string,
  child: ChildProcess,
  isRunning: () => boolean,
): Pick<Program<Said>, "said" | "until"> {
  const said: Said[] = [];
  /** Called after each message, and after the exit. */
  const waiting = new Set<() => void>();
  /** The index of the first message that no call of `until` has passed yet. */
  let next = 0;

  function wakeAll(): void {
    for (const wake of waiting) wake();
  }

  function take(condition: (said: Said) => boolean): Said | undefined {
    while (next < said.length) {
      const message = said[next];
      next += 1;
      if (message !== undefined && condition(message)) return message;
    }
    return undefined;
  }

  child.on("message", (message) => {
    said.push(message as Said);
    wakeAll();
  });
  child.once("exit", wakeAll);
  return {
    said,
    until: (what, condition) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const message = take(condition);
          if (message === undefined && isRunning()) return;
          waiting.delete(look);
          if (message !== undefined) resolve(message);
          else
            reject(
              new Error(
                `${file} ended before it sent ${what}. Its last message: ${JSON.stringify(said.at(-1))}`,
              ),
            );
        };
        waiting.add(look);
        look();
      }),
  };
}
