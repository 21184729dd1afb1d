import type { Subscriber } from "./create-subscriber.js";

/**
 * Subscriptions that watches share: a channel is subscribed to for its first user, and unsubscribed from after its
 * last.
 */
export interface ChannelSubscriptions {
  acquire(channel: string): Subscription;
  has(channel: string): boolean;
  channels(): Iterable<string>;
  clear(): void;
}

/** One user's share of a channel. */
interface Subscription {
  /** Resolves when the channel is subscribed to. Rejects if that fails; the share has to be released all the same. */
  readonly inForce: Promise<void>;
  /** Idempotent. */
  release(): void;
}

interface SharedChannel {
  users: number;
  readonly inForce: Promise<void>;
}

/** No subscriptions yet. */
export function channelSubscriptions(
  subscriber: Pick<Subscriber, "subscribe" | "unsubscribe">,
): ChannelSubscriptions {
  const shared = new Map<string, SharedChannel>();
  /**
   * Channels that are being unsubscribed from. A new subscription waits, so that the two commands can't overtake each
   * other.
   */
  const leaving = new Map<string, Promise<void>>();

  async function subscribe(channel: string): Promise<void> {
    await leaving.get(channel);
    await subscriber.subscribe(channel);
  }

  function share(channel: string): SharedChannel {
    const known = shared.get(channel);
    if (known !== undefined) return known;
    const added: SharedChannel = { users: 0, inForce: subscribe(channel) };
    shared.set(channel, added);
    added.inForce.catch(() => {
      // The next user tries again. Those who wait get the rejection.
      if (shared.get(channel) === added) shared.delete(channel);
    });
    return added;
  }

  function leave(channel: string, { inForce }: SharedChannel): void {
    const left = inForce
      .then(() => subscriber.unsubscribe(channel))
      // The subscription was never in force, or is gone with its connection.
      .catch(() => {})
      .finally(() => {
        if (leaving.get(channel) === left) leaving.delete(channel);
      });
    leaving.set(channel, left);
  }

  return {
    acquire(channel) {
      const used = share(channel);
      used.users += 1;
      let isReleased = false;
      return {
        inForce: used.inForce,
        release() {
          if (isReleased) return;
          isReleased = true;
          used.users -= 1;
          if (used.users > 0 || shared.get(channel) !== used) return;
          shared.delete(channel);
          leave(channel, used);
        },
      };
    },
    has: (channel) => shared.has(channel),
    channels: () => shared.keys(),
    clear: () => shared.clear(),
  };
}
