import type { ProgressError } from "@emlinh/progress-protocol";
import { storeUnavailable } from "../../shared/errors.js";
import { outageReporter } from "../shared/outage-reporter.js";
import { type ChangeNotification, notificationsOf } from "./change-notification.js";
import { messageOf } from "./failures.js";
import { pooledListener } from "./listener/pg-listener.js";
import type { PostgresSettings } from "./options.js";

/** Receives the notifications of other processes, and knows whether it can be relied on. */
export interface ChangeListener {
  /** Starts to listen, unless it does. A start that failed is tried again. */
  start(): void;
  isListening(): boolean;
  /** Reports that a poll found a change that no notification had announced. */
  onMissedChange(): void;
  /** Idempotent. Resolves when the listener has stopped. */
  close(): Promise<void>;
}

/** The dependencies of {@link createChangeListener}. */
export interface ChangeListenerContext
  extends Pick<PostgresSettings, "pool" | "listener" | "names" | "onError"> {
  /** Begins the payloads of this process, which are ignored. */
  readonly sender: string;
  readonly onNotification: (notification: ChangeNotification) => void;
  /** Called when listening comes into force, and when it is interrupted. In between, notifications are lost. */
  readonly onStateChange: (isListening: boolean) => void;
}

/** Missed changes in a row, without any message between them, after which the listener counts as interrupted. */
const MAX_MISSED = 2;

/**
 * Does not listen yet.
 *
 * A listener whose connection goes through PgBouncer in transaction mode reports that it listens, but receives
 * nothing, or something by chance. After {@link MAX_MISSED} missed changes it counts as interrupted, until it reports
 * again that it listens.
 */
export function createChangeListener(context: ChangeListenerContext): ChangeListener {
  const { names, sender, onNotification, onStateChange } = context;
  const listener = context.listener ?? pooledListener(context.pool);
  const outage = outageReporter(context.onError);
  let listening: Promise<{ unlisten(): Promise<unknown> } | undefined> | undefined;
  let isListening = false;
  let missed = 0;
  let isClosed = false;

  function changeState(error?: unknown): void {
    if (isClosed) return;
    isListening = error === undefined;
    if (isListening) outage.end();
    else outage.report(interrupted(error));
    onStateChange(isListening);
  }

  function receive(payload: string): void {
    missed = 0;
    for (const notification of notificationsOf(sender, payload)) onNotification(notification);
  }

  return {
    start() {
      if (listener === false || listening !== undefined) return;
      const starting = Promise.resolve(listener.listen(names.channel, receive, changeState));
      listening = starting.catch((error) => {
        changeState(error);
        // The next watch tries again.
        listening = undefined;
        return undefined;
      });
    },
    isListening: () => isListening,
    onMissedChange() {
      if (!isListening) return;
      missed += 1;
      if (missed >= MAX_MISSED)
        changeState(
          new Error("it receives no notifications; does its connection go through a pooler?"),
        );
    },
    async close() {
      isClosed = true;
      await (await listening)?.unlisten();
    },
  };
}

function interrupted(cause: unknown): ProgressError {
  return storeUnavailable(
    `Listening on PostgreSQL was interrupted (${messageOf(cause)}). ` +
      "The store tries again, and finds changes by polling meanwhile.",
    cause,
  );
}
