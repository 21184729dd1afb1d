import process from "node:process";
import { locateFfmpeg } from "../pipeline/ffmpeg-locate.js";
import { createStudio, type Studio } from "./app.js";
import { remedyFor, settingsFrom } from "./settings.js";

/** Longer than closing takes. Work that hangs ends with the process, and so do the workers. */
const CLOSE_LIMIT_MS = 8_000;

function notice(text: string): void {
  process.stderr.write(`${text}\n`);
}

async function start(): Promise<void> {
  let port = Number.NaN;
  try {
    const settings = settingsFrom(process.env);
    port = settings.port;
    const studio = await createStudio({ ...settings, onNotice: notice });
    stopOnSignals(studio);
    process.stdout.write(`Em Linh's video studio: ${studio.url}\n`);
  } catch (error) {
    const remedy = remedyFor(error, port);
    if (remedy === undefined) throw error;
    notice(remedy);
    process.exitCode = 1;
    return;
  }
  // ffmpeg is missing most often, so this is reported at the start. The page works without it.
  await locateFfmpeg().catch((error: Error) =>
    notice(`No video can be made yet. ${error.message}`),
  );
}

function stopOnSignals(studio: Studio): void {
  let isStopping = false;
  const stop = async (): Promise<void> => {
    // A second signal comes from someone who does not want to wait.
    if (isStopping) process.exit(1);
    isStopping = true;
    setTimeout(() => process.exit(1), CLOSE_LIMIT_MS).unref();
    await studio.close();
    process.exit(0);
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.on(signal, () => void stop());
}

await start();
