import process from "node:process";
import { type Settings, settingsFrom, WrongSetting } from "./settings.js";

/** What a process does until it is told to stop. */
export interface Running {
  /** One line about it. */
  readonly line: string;
  /** Told to a process that forked this one. */
  readonly ready: object;
  close(): Promise<void>;
}

/** Longer than closing takes; what hangs then ends with the process. */
const CLOSE_LIMIT_MS = 8_000;

/** Writes a line for the operator. */
export function notice(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** Runs a program: starts it by the settings, and closes it by a signal, or when the process is gone that forked it. */
export async function runMain(start: (settings: Settings) => Promise<Running>): Promise<void> {
  try {
    const running = await start(settingsFrom(process.env));
    closeOnSignals(running);
    process.stdout.write(`${running.line}\n`);
    process.send?.(running.ready);
  } catch (error) {
    if (!(error instanceof WrongSetting)) throw error;
    notice(error.message);
    process.exit(1);
  }
}

function closeOnSignals(running: Running): void {
  let isClosing = false;
  const stop = async (): Promise<void> => {
    // A second signal is from somebody who does not want to wait.
    if (isClosing) process.exit(1);
    isClosing = true;
    setTimeout(() => process.exit(1), CLOSE_LIMIT_MS).unref();
    await running.close();
    process.exit(0);
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.on(signal, () => void stop());
  process.on("disconnect", () => void stop());
}
