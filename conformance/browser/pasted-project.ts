import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect } from "vitest";
import { root } from "../package-checks/command.js";
import { installPublished } from "../package-checks/pack.js";

/** Reads a code block of a README. The first line of the block names the file. */
export function blockOf(readme: string, file: string): string {
  const text = readFileSync(join(root, readme), "utf8");
  const block = [...text.matchAll(/^```\w+\n(.*?)^```$/gms)].find(([, code]) =>
    code?.split("\n")[0]?.includes(file),
  );
  if (block?.[1] === undefined) throw new Error(`${readme} has no code block for ${file}.`);
  return block[1];
}

/** A program that runs in a pasted project. */
interface PastedProgram {
  readonly process: ChildProcess;
  /** Everything that it printed to its standard output. */
  output(): string;
  /** Everything that it printed to its standard error. */
  errors(): string;
  /** Resolves when the output matches. Rejects if that takes too long. */
  printed(pattern: RegExp): Promise<void>;
}

/** A folder with both packages installed, into which a reader pastes the programs of a README. */
export interface PastedProject {
  readonly folder: string;
  /** Free on this machine. It replaces port 3000: several tests may run on one machine. */
  readonly port: number;
  /** Writes a code block of a README to the file that it names. */
  paste(readme: string, file: string): void;
  /** Runs `node` with a program of the project. */
  start(program: string, ...args: string[]): PastedProgram;
  /** Ends the programs and removes the folder. */
  close(): Promise<void>;
}

/** Creates a project with the packed packages, and with Express. */
export async function pastedProject(): Promise<PastedProject> {
  const home = await mkdtemp(join(tmpdir(), "progress-readme-"));
  const folder = join(home, "project");
  mkdirSync(folder);
  await installPublished(folder, home);
  symlinkSync(
    join(root, "packages/server/node_modules/express"),
    join(folder, "node_modules", "express"),
  );
  const port = await freePort();
  const programs: PastedProgram[] = [];
  return {
    folder,
    port,
    paste(readme, file) {
      const path = join(folder, file);
      mkdirSync(dirname(path), { recursive: true });
      // The only change to the pasted code.
      writeFileSync(path, blockOf(readme, file).replaceAll("3000", String(port)));
    },
    start(program, ...args) {
      const started = startProgram(folder, [program, ...args]);
      programs.push(started);
      return started;
    },
    async close() {
      await Promise.all(programs.map(({ process }) => stop(process)));
      await rm(home, { recursive: true, force: true });
    },
  };
}

function startProgram(folder: string, args: readonly string[]): PastedProgram {
  const child = spawn(process.execPath, args, {
    cwd: folder,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  let errors = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    errors += text;
  });
  return {
    process: child,
    output: () => output,
    errors: () => errors,
    printed: (pattern) => expect.poll(() => output, { timeout: 60_000 }).toMatch(pattern),
  };
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill();
  await ended;
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0);
  await once(probe, "listening");
  const { port } = probe.address() as { port: number };
  probe.close();
  await once(probe, "close");
  return port;
}
