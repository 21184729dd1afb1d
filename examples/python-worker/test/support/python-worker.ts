import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";

/** Whether a program is installed. */
export function hasProgram(name: string): boolean {
  try {
    execFileSync(name, ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** A Python program that works on one job. */
export interface PythonWorker {
  /** Resolves with the exit code and the output when the program has exited. */
  readonly exited: Promise<{ readonly code: number | null; readonly output: string }>;
  kill(signal: NodeJS.Signals): void;
}

const FOLDER = new URL("../..", import.meta.url);

/** Starts `count_primes.py`. Arguments: the base URL, the job, the bound, and the attempt. */
export function startWorker(...args: readonly string[]): PythonWorker {
  return startProgram("count_primes.py", ...args);
}

/** Starts a program of this example. */
export function startProgram(...args: readonly string[]): PythonWorker {
  const child = spawn("python3", args, {
    cwd: FOLDER,
    env: { ...process.env, PYTHONDONTWRITEBYTECODE: "1" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  return { exited: outcomeOf(child), kill: (signal) => child.kill(signal) };
}

async function outcomeOf(child: ChildProcess) {
  let output = "";
  child.stdout?.on("data", (chunk) => {
    output += chunk;
  });
  child.stderr?.on("data", (chunk) => {
    output += chunk;
  });
  const [code] = (await once(child, "close")) as [number | null];
  return { code, output };
}
