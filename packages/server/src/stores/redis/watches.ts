import type { ProgressError } from "@emlinh/progress-protocol";
import type { Unwatch, Wake } from "../../core/store.js";
import { storeClosed, storeUnavailable } from "../../shared/errors.js";
import { outageReporter } from "../shared/outage-reporter.js";
import { watchers } from "../shared/watchers.js";
import { channelSubscriptions } from "./subscriber/channel-subscriptions.js";
import { createSubscriber } from "./subscriber/create-subscriber.js";
import type { SubscriberSource } from "./subscriber/subscriber-connection.js";

/** The watches of one store. They all share one connection, which is opened by the first. */
export interface RedisWatches {
  watch(channel: string, wake: Wake): Promise<Unwatch>;
  /** Idempotent. */
  close(): void;
}

/** @param onError - Called once per outage of the connection. Must not throw. */
export function createRedisWatches(
  source: SubscriberSource,
  onError: (error: ProgressError) => void,
): RedisWatches {
  const wakes = watchers();
  const outage = outageReporter(onError);
  const pending = pendingWatches();
  let closed = false;

  const subscriber = createSubscriber(source, {
    onMessage(text, channel) {
      // A connection that was passed in may have other subscriptions.
      if (subscriptions.has(channel)) wakes.wake(channel, versionOf(text));
    },
    onReconnect() {
      outage.end();
      wakes.wakeAll();
    },
    onError(cause) {
      if (closed) return;
      const error = subscriberFailed(cause);
      pending.rejectAll(error);
      outage.report(error);
    },
    channels: () => subscriptions.channels(),
  });
  const subscriptions = channelSubscriptions({
    async subscribe(channel) {
      if (closed) throw storeClosed();
      await subscriber.subscribe(channel);
      outage.end();
    },
    unsubscribe: subscriber.unsubscribe,
  });

  return {
    async watch(channel, wake) {
      const removeWake = wakes.add(channel, wake);
      const subscription = subscriptions.acquire(channel);
      async function unwatch(): Promise<void> {
        await removeWake();
        subscription.release();
      }
      try {
        await pending.wait(subscription.inForce);
      } catch (error) {
        await unwatch();
        throw closed ? storeClosed() : error;
      }
      return unwatch;
    },
    close() {
      closed = true;
      wakes.clear();
      pending.rejectAll(storeClosed());
      subscriber.close();
      subscriptions.clear();
    },
  };
}

/**
 * The version in a message. Messages of a creation or a removal have none, because versions start again there, and
 * those of a list.
 */
function versionOf(text: string): number | undefined {
  const version = Number(text);
  return text !== "" && Number.isSafeInteger(version) ? version : undefined;
}

/**
 * Watches that wait for their subscription. They are rejected at once if the connection fails, and do not wait for
 * its return.
 */
interface PendingWatches {
  wait(inForce: Promise<void>): Promise<void>;
  rejectAll(error: ProgressError): void;
}

function pendingWatches(): PendingWatches {
  const rejects = new Set<(error: ProgressError) => void>();
  return {
    wait(inForce) {
      return new Promise((resolve, reject) => {
        rejects.add(reject);
        inForce.then(resolve, reject).finally(() => rejects.delete(reject));
      });
    },
    rejectAll(error) {
      for (const reject of rejects) reject(error);
    },
  };
}

function subscriberFailed(cause: unknown): ProgressError {
  return storeUnavailable(
    "redisStore: the connection that it subscribes on failed. Until it is back, readers see changes only when they " +
      "read by themselves, every few seconds. Check that the Redis server can be reached.",
    cause,
  );
}
