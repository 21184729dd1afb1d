import type { RetryPolicy } from "../machine/policy.js";

/** A request for a slot. */
export interface Slot {
  /** The policy to begin with: without a slot a job polls at an interval, unless it must stream. */
  readonly policy: RetryPolicy;
  /** Gives the slot back, or leaves the queue. Idempotent. */
  release(): void;
}

/** Bounds how many connections are open at a time. Slots are granted in the order of the requests. */
export interface StreamLimiter {
  /**
   * Asks for a slot.
   *
   * @param policy - Applies with a slot.
   * @param onGranted - Called only if the slot is granted later, not at once.
   */
  request(policy: RetryPolicy, onGranted: (policy: RetryPolicy) => void): Slot;
}

/** @param maxStreams - The number of slots; `Infinity` for no bound. */
export function streamLimiter(maxStreams: number): StreamLimiter {
  const queue: (() => void)[] = [];
  let held = 0;

  function grantNext(): void {
    if (held < maxStreams) queue.shift()?.();
  }

  return {
    request(policy, onGranted) {
      let granted = held < maxStreams;
      let released = false;
      const grant = (): void => {
        granted = true;
        held += 1;
        onGranted(policy);
      };
      if (granted) held += 1;
      else queue.push(grant);
      return {
        policy: granted ? policy : withoutSlot(policy),
        release() {
          if (released) return;
          released = true;
          if (granted) held -= 1;
          else queue.splice(queue.indexOf(grant), 1);
          grantNext();
        },
      };
    },
  };
}

/** Streams and long polls hold a connection open; polls at an interval do not. */
function withoutSlot(policy: RetryPolicy): RetryPolicy {
  const transport = policy.transport === "stream" ? "stream" : "poll";
  return { ...policy, transport, pollWaitMs: 0 };
}
