import type { Texts } from "../texts/texts.js";
import type { VideoInput } from "../video-input.js";

/**
 * Sends an input. The key is the same for each try of the same input, so that a try whose answer was lost does not
 * create a second video. Rejects with a message for the user.
 */
export type Send = (input: VideoInput, idempotencyKey: string) => Promise<void>;

/** A text in the user's present language. */
type Message = (texts: Texts) => string;

/** Sends one input at a time, and has the message about it for the user. */
export interface Sender {
  readonly isSending: boolean;
  readonly message: Message | undefined;
  setMessage(message: Message | undefined): void;
  /**
   * Sends an input. Resolves with `"busy"` if another one is still being sent, for example after a double click. Never
   * rejects: after a failure the message has the reason.
   */
  send(input: VideoInput): Promise<"sent" | "failed" | "busy">;
}

/** After this time without an answer, a message is shown. */
const SLOW_MS = 3000;

/** Creates a sender. `onChange` is called after each change of its state. */
export function createSender(send: Send, onChange: () => void): Sender {
  let isSending = false;
  let message: Message | undefined;
  let lastTry: { readonly input: string; readonly key: string } | undefined;

  function change(next: { readonly isSending: boolean; readonly message: Message | undefined }) {
    ({ isSending, message } = next);
    onChange();
  }

  return {
    get isSending() {
      return isSending;
    },
    get message() {
      return message;
    },
    setMessage: (next) => change({ isSending, message: next }),
    async send(input) {
      if (isSending) return "busy";
      const json = JSON.stringify(input);
      if (lastTry?.input !== json) lastTry = { input: json, key: randomKey() };
      change({ isSending: true, message: undefined });
      const slow = setTimeout(() => {
        change({ isSending, message: ({ sendSlow }) => sendSlow });
      }, SLOW_MS);
      try {
        await send(input, lastTry.key);
        lastTry = undefined;
        change({ isSending: false, message: undefined });
        return "sent";
      } catch (error) {
        change({ isSending: false, message: messageOf(error) });
        return "failed";
      } finally {
        clearTimeout(slow);
      }
    },
  };
}

function messageOf(error: unknown): Message {
  return ({ sendFailed }) => (error instanceof Error ? error.message : sendFailed);
}

/**
 * 128 random bits. `crypto.randomUUID` does not exist on a page that was loaded over plain HTTP from another machine.
 */
function randomKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
