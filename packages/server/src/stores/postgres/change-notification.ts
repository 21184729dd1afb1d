import { type Cursor, parseCursor } from "@emlinh/progress-protocol";
import type { WatchKey } from "./watch-key.js";

/** The notification that a job, or the membership of a list, changed. */
export interface ChangeNotification {
  readonly key: WatchKey;
  /** The cursor of the write. Absent at a creation or a removal, because versions start again there, and for a list. */
  readonly cursor?: Cursor | undefined;
}

/** PostgreSQL takes payloads of less than 8000 bytes. */
const MAX_PAYLOAD_LENGTH = 7_900;

/** A random id that begins the payloads of one process, so that it can ignore its own. */
export function newSender(): string {
  return crypto.randomUUID().slice(0, 8);
}

/** One notification for two of the same key. Writes at the same time may be answered in any order. */
export function mergeNotifications(
  one: ChangeNotification,
  other: ChangeNotification,
): ChangeNotification {
  const [a, b] = [parseCursor(one.cursor), parseCursor(other.cursor)];
  // A new series of versions must stay visible, even if a write follows at once.
  if (a === undefined || b === undefined || a.epoch !== b.epoch) return { key: one.key };
  return a.version > b.version ? one : other;
}

/** Payloads that hold the notifications: the sender, then one notification a line. */
export function payloadsOf(
  sender: string,
  notifications: readonly ChangeNotification[],
): readonly string[] {
  const payloads: string[] = [];
  let payload = sender;
  for (const { key, cursor } of notifications) {
    const line = cursor === undefined ? `\n${key}` : `\n${key} ${cursor}`;
    if (payload.length + line.length > MAX_PAYLOAD_LENGTH) {
      payloads.push(payload);
      payload = sender;
    }
    payload += line;
  }
  return [...payloads, payload];
}

/** The notifications in a payload. None if this process sent it. */
export function notificationsOf(sender: string, payload: string): readonly ChangeNotification[] {
  const [from, ...lines] = payload.split("\n");
  if (from === sender) return [];
  return lines.map((line) => {
    const [key = "", cursor] = line.split(" ");
    return { key, cursor };
  });
}
