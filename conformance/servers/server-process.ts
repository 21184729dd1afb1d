import { type ChildProcess, execFileSync } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";

/** The binary of a server, and where a missing one matters. */
export interface BinaryCheck {
  readonly binary: string;
  /** Prints its version. */
  readonly versionFlag: string;
  /** How to get it, for the message. */
  readonly remedy: string;
  /** Whether its absence in CI is an error, and not a reason to skip tests. */
  readonly isRequiredInCi: boolean;
}

/** The reason why a server can't be started; `undefined` if its binary runs. */
export function missingBinary(check: BinaryCheck): string | undefined {
  const { binary, versionFlag, remedy, isRequiredInCi } = check;
  try {
    execFileSync(binary, [versionFlag], { stdio: "ignore" });
    return undefined;
  } catch {
    return missing(`${binary} is missing: ${remedy}`, isRequiredInCi);
  }
}

/** Returns the reason, or throws it in CI if the server is required there. */
export function missing(reason: string, isRequiredInCi: boolean): string {
  if (isRequiredInCi && process.env.CI) throw new Error(reason);
  return reason;
}

/** Resolves when the server prints a text. If it exits before, rejects with its output. */
export function untilOutput(server: ChildProcess, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let output = "";
    const onData = (chunk: Buffer): void => {
      output = `${output}${chunk}`.slice(-10_000);
      if (output.includes(text)) resolve();
    };
    // Read to the end, because the server blocks on a full pipe.
    server.stdout?.on("data", onData);
    server.stderr?.on("data", onData);
    server.once("error", reject);
    server.once("exit", (code) =>
      reject(new Error(`${server.spawnfile} exited with ${code}: ${output}`)),
    );
  });
}

/**
 * Sends a signal. Resolves when the process has exited. Does nothing if it has already.
 *
 * @param killAfterMs - Milliseconds after which it is killed if the signal has not ended it.
 */
export async function stopProcess(
  server: ChildProcess | undefined,
  signal: NodeJS.Signals,
  killAfterMs?: number,
): Promise<void> {
  if (server === undefined || server.exitCode !== null || server.signalCode !== null) return;
  const exited = once(server, "exit");
  server.kill(signal);
  const timer = killAfterMs && setTimeout(() => server.kill("SIGKILL"), killAfterMs);
  await exited;
  if (timer) clearTimeout(timer);
}

/** A port of 127.0.0.1 that is not in use. */
export async function freePort(): Promise<number> {
  const probe = createServer();
  probe.listen(0, "127.0.0.1");
  await once(probe, "listening");
  const address = probe.address();
  probe.close();
  await once(probe, "close");
  if (address === null || typeof address === "string")
    throw new Error("There is no free port on 127.0.0.1.");
  return address.port;
}
