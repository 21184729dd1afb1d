import { ProgressError } from "@emlinh/progress-protocol";
import type { Unwatch, Wake } from "../../core/store.js";
import { storeClosed } from "../../shared/errors.js";
import { watchers } from "../shared/watchers.js";
import { jobOf } from "./keys.js";
import { type ListenerSource, openListener, type RedisListener } from "./listener.js";

/** The watches of one store: however many there are, they share one connection. */
export interface RedisChannels {
  watch(channel: string, wake: Wake): Promise<Unwatch>;
  close(): void;
}

/** What is held of a channel: it is subscribed to for the first watch, and left after the last. */
interface Held {
  watches: number;
  readonly inForce: Promise<void>;
}

/** Opens no connection before the first watch. */
export function redisChannels(
  source: ListenerSource,
  onError: (error: ProgressError) => void,
): RedisChannels {
  const watching = watchers();
  const held = new Map<string, Held>();
  /** Channels that are being left: who comes back waits, so that the two commands can't overtake each other. */
  const leaving = new Map<string, Promise<void>>();
  /** Those who wait for a channel; neither a close nor an absent server may leave them waiting. */
  const waiting = new Set<(reason: ProgressError) => void>();
  let listener: RedisListener | undefined;
  let closed = false;
  let isTroubled = false;

  const events = {
    hear(text: string, channel: string): void {
      // A connection that was handed in may have others on it.
      if (!held.has(channel)) return;
      const version = Number(text);
      // Nothing is told of a creation or a removal: versions begin anew there.
      watching.wake(
        jobOf(channel),
        text !== "" && Number.isSafeInteger(version) ? version : undefined,
      );
    },
    back(): void {
      isTroubled = false;
      watching.wakeAll();
    },
    failed(cause: unknown): void {
      if (closed) return;
      const error = listenerFailed(cause);
      // They hear at once that the server is away, in place of waiting until it is back.
      for (const reject of waiting) reject(error);
      if (isTroubled) return;
      isTroubled = true;
      onError(error);
    },
    channels: () => held.keys(),
  };

  /** The connection; a new one if the last gave up, and that has to listen to all that the last did. */
  function connection(): RedisListener {
    if (closed) throw storeClosed();
    if (listener?.isAlive()) return listener;
    const before = listener === undefined ? [] : [...held.keys()];
    listener?.close();
    const opened = openListener(source, events);
    listener = opened;
    relisten(opened, before).catch(events.failed);
    return opened;
  }

  async function relisten(opened: RedisListener, channels: readonly string[]): Promise<void> {
    await opened.ready;
    await Promise.all(channels.map((channel) => opened.subscribe(channel)));
    if (channels.length > 0) events.back();
  }

  async function subscribe(channel: string): Promise<void> {
    await leaving.get(channel);
    const opened = connection();
    await opened.ready;
    await opened.subscribe(channel);
    isTroubled = false;
  }

  function hold(channel: string): Held {
    const known = held.get(channel);
    if (known !== undefined) return known;
    const entry: Held = { watches: 0, inForce: subscribe(channel) };
    held.set(channel, entry);
    entry.inForce.catch(() => {
      // Whoever comes now tries anew; those who wait are told.
      if (held.get(channel) === entry) held.delete(channel);
    });
    return entry;
  }

  function letGo(channel: string, entry: Held): void {
    entry.watches -= 1;
    if (entry.watches > 0 || closed || held.get(channel) !== entry) return;
    held.delete(channel);
    const left = entry.inForce
      .then(() => listener?.unsubscribe(channel))
      // It was never in force, or is gone with its connection.
      .catch(() => {})
      .finally(() => {
        if (leaving.get(channel) === left) leaving.delete(channel);
      });
    leaving.set(channel, left);
  }

  return {
    async watch(channel, wake) {
      const unwatch = watching.add(jobOf(channel), wake);
      const entry = hold(channel);
      entry.watches += 1;
      try {
        await unlessClosed(entry.inForce, waiting);
      } catch (error) {
        await unwatch();
        letGo(channel, entry);
        throw closed ? storeClosed() : error;
      }
      let isHeld = true;
      return async () => {
        await unwatch();
        if (isHeld) letGo(channel, entry);
        isHeld = false;
      };
    },
    close() {
      closed = true;
      watching.clear();
      for (const reject of waiting) reject(storeClosed());
      listener?.close();
      held.clear();
    },
  };
}

function unlessClosed(
  inForce: Promise<void>,
  waiting: Set<(reason: ProgressError) => void>,
): Promise<void> {
  return new Promise((resolve, reject) => {
    waiting.add(reject);
    inForce.then(resolve, reject).finally(() => waiting.delete(reject));
  });
}

function listenerFailed(cause: unknown): ProgressError {
  return new ProgressError("store-unavailable", {
    message:
      "redisStore: the connection on which it hears of changes failed. Readers look by themselves every few seconds until it is back.",
    retryable: true,
    status: 503,
    cause,
  });
}
