import process from "node:process";
import { InvalidSetting, type Settings, settingsFrom } from "./settings.js";

/** A program that runs until it is closed. */
export interface Running {
  /** One line for the operator. */
  readonly line: string;
  /** Sent to the process that forked this one. */
  readonly ready: object;
  close(): Promise<void>;
}

/** Longer than closing takes. Work that hangs ends with the process. */
const CLOSE_LIMIT_MS = 8_000;

/** Writes a line for the operator. */
export function notice(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** Starts a program with the settings of the environment. A signal, or the exit of the parent process, closes it. */
export async function runMain(start: (settings: Settings) => Promise<Running>): Promise<void> {
  try {
    const running = await start(settingsFrom(process.env));
    closeOnSignals(running);
    process.stdout.write(`${running.line}\n`);
    process.send?.(running.ready);
  } catch (error) {
    if (!(error instanceof InvalidSetting)) throw error;
    notice(error.message);
    process.exit(1);
  }
}

function closeOnSignals(running: Running): void {
  let isClosing = false;
  const stop = async (): Promise<void> => {
    // A second signal comes from someone who does not want to wait.
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
