import { elapsed } from "../../shared/time.js";
import { type ChangeNotification, mergeNotifications, payloadsOf } from "./change-notification.js";

/** Merges the notifications of one process into few `NOTIFY` statements. */
export interface NotifyBatcher {
  add(notification: ChangeNotification): void;
  /** Resolves when all that was added is sent. A notification that is added later is sent at once. */
  close(): Promise<void>;
}

/**
 * Milliseconds between two statements. In all databases of a server, PostgreSQL lets only one transaction at a time
 * send notifications. So a process waits ten times as long as its last statement took: the longer processes wait for
 * that lock, the less they use it.
 */
const MIN_GAP_MS = 5;
const MAX_GAP_MS = 50;
const GAP_FACTOR = 10;

/**
 * Sends the first notification at once. Those that are added while it is sent, and for 5 to 50 ms after it, go out
 * together, one per job or list.
 *
 * @param send - Sends payloads. If it rejects, these notifications are lost, and watchers find the changes by polling.
 */
export function createNotifyBatcher(
  sender: string,
  send: (payloads: readonly string[]) => Promise<unknown>,
): NotifyBatcher {
  let pending = new Map<string, ChangeNotification>();
  let sending: Promise<void> | undefined;
  let endGap = (): void => {};
  let isClosing = false;

  async function sendAll(): Promise<void> {
    while (pending.size > 0) {
      const notifications = [...pending.values()];
      pending = new Map();
      const since = elapsed();
      await send(payloadsOf(sender, notifications)).catch(() => {});
      const gapMs = GAP_FACTOR * (elapsed() - since);
      if (!isClosing) await gap(Math.min(MAX_GAP_MS, Math.max(MIN_GAP_MS, gapMs)));
    }
    sending = undefined;
  }

  function gap(ms: number): Promise<void> {
    return new Promise((resolve) => {
      // Keeps the process alive, so that one that exits by itself sends its last notifications.
      const timer = setTimeout(resolve, ms);
      endGap = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  return {
    add(notification) {
      const { key } = notification;
      const earlier = pending.get(key);
      pending.set(
        key,
        earlier === undefined ? notification : mergeNotifications(earlier, notification),
      );
      sending ??= sendAll();
    },
    async close() {
      isClosing = true;
      endGap();
      await sending;
    },
  };
}
