import { ProgressError } from "@emlinh/progress-client";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createSender, type SendOptions } from "../../src/page/parts/sender.js";
import { TEXTS } from "../../src/page/texts/texts.js";

const INPUT = {
  topic: "Sky",
  duration: 20,
  composition: "presenter",
  background: "violet",
  voice: "en",
} as const;

/** A sender whose request stays open until the test settles it. */
function openSender() {
  const sent: SendOptions[] = [];
  let finish = (): void => {};
  const sender = createSender(
    (_input, options) => {
      sent.push(options);
      return new Promise((resolve, reject) => {
        finish = resolve;
        options.signal.addEventListener("abort", () => reject(options.signal.reason));
      });
    },
    () => undefined,
  );
  const last = () => sent.at(-1) as SendOptions;
  return { sender, sent, last, finish: () => finish() };
}

function refusal(status?: number): ProgressError {
  return new ProgressError("refused", { message: "No.", ...(status && { status }) });
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("given a full queue, says so, and has the time of the next try", async () => {
  const { sender, last, finish } = openSender();
  const result = sender.send(INPUT);
  last().onRetry({ error: refusal(429), attempt: 1, retryAt: 12_000 });
  expect(sender.state.message?.(TEXTS.en)).toBe("The queue is full.");
  expect(sender.state).toMatchObject({ isSending: true, retryAt: 12_000 });
  // The message about a slow server must not replace it.
  await vi.advanceTimersByTimeAsync(3_000);
  expect(sender.state.message?.(TEXTS.en)).toBe("The queue is full.");
  finish();
  expect(await result).toBe("sent");
  expect(sender.state).toEqual({ isSending: false, message: undefined, retryAt: undefined });
});

test("given a studio that is closing, says that it isn't available, not that it has not answered", () => {
  const { sender, last } = openSender();
  void sender.send(INPUT);
  last().onRetry({ error: refusal(503), attempt: 1, retryAt: 9_000 });
  expect(sender.state.message?.(TEXTS.en)).toBe(TEXTS.en.sendUnavailable);
});

test("given a server that does not answer, says so after three seconds or before a wait", async () => {
  const { sender, last } = openSender();
  void sender.send(INPUT);
  expect(sender.state.message).toBeUndefined();
  await vi.advanceTimersByTimeAsync(3_000);
  expect(sender.state.message?.(TEXTS.en)).toBe(TEXTS.en.sendSlow);
  last().onRetry({ error: refusal(), attempt: 1, retryAt: 9_000 });
  expect(sender.state.message?.(TEXTS.en)).toBe(TEXTS.en.sendSlow);
  expect(sender.state.retryAt).toBe(9_000);
});

test("given a user who gives up, aborts the request, has no message and accepts the next input", async () => {
  const { sender, sent, last } = openSender();
  const result = sender.send(INPUT);
  last().onRetry({ error: refusal(429), attempt: 1, retryAt: 12_000 });
  sender.cancel();
  expect(last().signal.aborted).toBe(true);
  expect(await result).toBe("cancelled");
  expect(sender.state).toEqual({ isSending: false, message: undefined, retryAt: undefined });
  // The server may have created the job nevertheless, so the same input keeps its key.
  void sender.send(INPUT);
  expect(sent.map(({ key }) => key)).toEqual([sent[0]?.key, sent[0]?.key]);
  expect(last().signal.aborted).toBe(false);
});

test("given typing while an input is being sent, keeps the message about it", async () => {
  const { sender, last } = openSender();
  void sender.send(INPUT);
  last().onRetry({ error: refusal(429), attempt: 1, retryAt: 12_000 });
  sender.setMessage(undefined);
  expect(sender.state.message?.(TEXTS.en)).toBe("The queue is full.");
});
