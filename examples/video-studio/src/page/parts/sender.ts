import { type CreateRetry, isProgressError } from "@emlinh/progress-client";
import type { Texts } from "../texts/texts.js";
import type { SentInput } from "../video-input.js";

/** Options of one {@link Send}. */
export interface SendOptions {
  /**
   * The same for each try of the same input, so that a try whose answer was lost does not create a second video.
   */
  readonly key: string;
  /** Aborts when the user gives up. */
  readonly signal: AbortSignal;
  /** Called before each wait for the next try. */
  readonly onRetry: (retry: CreateRetry) => void;
}

/** Sends an input. Rejects with a message for the user, or with any error after the signal has aborted. */
export type Send = (input: SentInput, options: SendOptions) => Promise<void>;

/** A text in the user's present language. */
type Message = (texts: Texts) => string;

/** The state of a sender. */
export interface SenderState {
  readonly isSending: boolean;
  readonly message: Message | undefined;
  /** When the next try starts, while the sender waits for it. Milliseconds since the epoch, by this device's clock. */
  readonly retryAt: number | undefined;
}

/** Sends one input at a time, and has the message about it for the user. */
export interface Sender {
  readonly state: SenderState;
  /** Does nothing while an input is being sent. */
  setMessage(message: Message | undefined): void;
  /**
   * Sends an input. Resolves with `"busy"` if another one is still being sent, for example after a double click. Never
   * rejects: after a failure the message has the reason.
   */
  send(input: SentInput): Promise<"sent" | "failed" | "cancelled" | "busy">;
  /** Gives up the input that is being sent. */
  cancel(): void;
}

/** After this time without an answer, a message is shown. */
const SLOW_MS = 3000;

const IDLE: SenderState = { isSending: false, message: undefined, retryAt: undefined };

/** Creates a sender. `onChange` is called after each change of its state. */
export function createSender(send: Send, onChange: () => void): Sender {
  let state = IDLE;
  let lastTry: { readonly input: string; readonly key: string } | undefined;
  let sending = new AbortController();

  function change(next: Partial<SenderState>): void {
    state = { ...state, ...next };
    onChange();
  }

  async function deliver(input: SentInput, key: string): Promise<"sent" | "failed" | "cancelled"> {
    const { signal } = sending;
    const isWaiting = () => state.isSending && !signal.aborted;
    const slow = setTimeout(() => {
      if (isWaiting() && state.message === undefined) change({ message: slowMessage });
    }, SLOW_MS);
    const onRetry = ({ error, retryAt }: CreateRetry) => {
      if (isWaiting()) change({ message: waitMessage(error), retryAt });
    };
    try {
      await send(input, { key, signal, onRetry });
      lastTry = undefined;
      change(IDLE);
      return "sent";
    } catch (error) {
      change({ ...IDLE, message: signal.aborted ? undefined : messageOf(error) });
      return signal.aborted ? "cancelled" : "failed";
    } finally {
      clearTimeout(slow);
    }
  }

  return {
    get state() {
      return state;
    },
    setMessage(message) {
      if (!state.isSending) change({ message });
    },
    async send(input) {
      if (state.isSending) return "busy";
      const json = JSON.stringify(input);
      if (lastTry?.input !== json) lastTry = { input: json, key: randomKey() };
      sending = new AbortController();
      change({ ...IDLE, isSending: true });
      return deliver(input, lastTry.key);
    },
    cancel: () => sending.abort(),
  };
}

const slowMessage: Message = ({ sendSlow }) => sendSlow;

/** The reason for a wait: the queue is full, the server can't accept a video for another reason, or did not answer. */
function waitMessage(error: unknown): Message {
  if (!isProgressError(error) || error.status === undefined) return slowMessage;
  return error.status === 429
    ? ({ sendQueueFull }) => sendQueueFull
    : ({ sendUnavailable }) => sendUnavailable;
}

function messageOf(error: unknown): Message {
  return ({ sendFailed }) => (error instanceof Error ? error.message : sendFailed);
}

/**
 * 128 random bits. `crypto.randomUUID` does not exist on a page that was loaded over plain HTTP from another machine.
 */
export function randomKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
