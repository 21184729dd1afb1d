import { SESSION_PATH } from "../shared/addresses.js";
import type { SessionReply } from "../shared/session.js";

const RETRY_MS = 1_000;
const MAX_RETRY_MS = 30_000;

/** Resolves with the id of this browser's session. Asks again until the server answers. */
export async function loadSession(): Promise<string> {
  for (let delayMs = RETRY_MS; ; delayMs = Math.min(2 * delayMs, MAX_RETRY_MS)) {
    const id = await requestSession();
    if (id !== undefined) return id;
    await new Promise((resolve) => setTimeout(resolve, delayMs));
  }
}

async function requestSession(): Promise<string | undefined> {
  try {
    const response = await fetch(SESSION_PATH);
    return response.ok ? ((await response.json()) as SessionReply).id : undefined;
  } catch {
    // The server can't be reached.
    return undefined;
  }
}
