import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
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
  /** Resolves when the process has ended, with its exit code, or with the signal that ended it. */
  readonly exited: Promise<number | NodeJS.Signals>;
  /** Sends a message to the program. */
  tell(message: unknown): void;
  /** Sends a signal. If the signal ends the process, resolves when the process has exited. */
  kill(signal?: NodeJS.Signals): Promise<void>;
}

/** How a program is run. */
export interface ProgramOptions {
  /**
   * The folder of the package whose dependencies the program imports, relative to this folder. @defaultValue this
   * folder
   */
  readonly home?: string | undefined;
  /**
   * Registers what is done at the end of the test. A test that runs at the same time as others must pass the one of its
   * own context. @defaultValue `onTestFinished` of vitest
   */
  readonly onFinished?: ((cleanUp: () => Promise<void>) => void) | undefined;
  /** Called with the text that the program writes to stderr. @defaultValue it is printed */
  readonly onStderr?: ((text: string) => void) | undefined;
}

/** The compiled programs of this test file, which runs some of them many times. */
const texts = new Map<string, Promise<string>>();

/** Compiles a program at the first call. @param outfile - Where it is compiled to then. */
function compiledText(file: string, outfile: string): Promise<string> {
  const known = texts.get(file);
  if (known !== undefined) return known;
  const compiling = compileProgram(root, join(here, file), outfile);
  const text = compiling.then(() => readFile(outfile, "utf8"));
  texts.set(file, text);
  return text;
}

/**
 * Compiles a TypeScript program together with the sources of our packages, and runs it. It is killed when the test
 * ends.
 *
 * @param file - Relative to this folder, such as `stores/programs/worker.ts`.
 * @param args - Passed to the program as one JSON argument.
 */
export async function runProgram<Said>(
  file: string,
  args: unknown,
  { home = ".", onFinished = onTestFinished, onStderr }: ProgramOptions = {},
): Promise<Program<Said>> {
  // Below that folder, so that the packages that the program imports are found.
  const folder = mkdtempSync(join(here, home, "node_modules", ".program-"));
  const outfile = join(folder, `${basename(file, ".ts")}.mjs`);
  await writeFile(outfile, await compiledText(file, outfile));
  const child = fork(outfile, [JSON.stringify(args)], {
    stdio: ["ignore", "inherit", onStderr === undefined ? "inherit" : "pipe", "ipc"],
  });
  child.stderr?.on("data", (bytes: Buffer) => onStderr?.(String(bytes)));
  // After `close` all messages and all output have arrived.
  const exited = once(child, "close").then(([code, signal]) => (signal ?? code) as number);
  const isRunning = () => child.exitCode === null && child.signalCode === null;

  async function kill(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    child.kill(signal);
    if (signal !== "SIGSTOP" && signal !== "SIGCONT") await exited;
  }

  onFinished(async () => {
    if (isRunning()) await kill();
    rmSync(folder, { recursive: true, force: true });
  });
  return {
    process: child,
    exited,
    kill,
    // A program that has ended gets no message, and its test fails at the next `until`.
    tell: (message) => void child.send(message as object, () => {}),
    ...receive<Said>(file, child),
  };
}

/** Collects the messages of a program. The last ones may arrive after its exit, but before `close`. */
function receive<Said>(file: string, child: ChildProcess): Pick<Program<Said>, "said" | "until"> {
  const said: Said[] = [];
  /** Called after each message, and after the last one. */
  const waiting = new Set<() => void>();
  let isClosed = false;
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
  child.once("close", () => {
    isClosed = true;
    wakeAll();
  });
  return {
    said,
    until: (what, condition) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const message = take(condition);
          if (message === undefined && !isClosed) return;
          waiting.delete(look);
          if (message !== undefined) resolve(message);
          else
            reject(
              new Error(
                `${file} ended (${child.signalCode ?? child.exitCode}) before it sent ${what}. ` +
                  `Its last message: ${JSON.stringify(said.at(-1))}`,
              ),
            );
        };
        waiting.add(look);
        look();
      }),
  };
}
