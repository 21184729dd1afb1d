import type { VideoInput } from "../video-input.js";
import { randomKey, type Sender } from "./sender.js";

/** A batch of which some videos are not sent yet. */
interface OpenBatch {
  readonly id: string;
  readonly sent: number;
  readonly total: number;
}

/** Sends several videos one after the other. */
export interface BatchSender {
  /** The batch that is being sent. */
  readonly sending: { readonly sent: number; readonly total: number } | undefined;
  /** Whether a batch waits for its last videos: the next ones belong to it. */
  readonly isOpen: boolean;
  /**
   * Sends the videos until one is not accepted. Resolves with the number of those that are left. After a failure the
   * message of the sender has the reason.
   *
   * @param onSent - Called with the topic of each video that was sent.
   */
  send(
    topics: readonly string[],
    choices: Omit<VideoInput, "topic">,
    onSent: (topic: string) => void,
  ): Promise<number>;
  /** The next videos are a new batch. */
  forget(): void;
}

/** Creates a sender of batches. `onChange` is called before each video. */
export function createBatchSender(sender: Sender, onChange: () => void): BatchSender {
  let batch: OpenBatch | undefined;
  let isSending = false;

  return {
    get sending() {
      return isSending ? batch : undefined;
    },
    get isOpen() {
      return batch !== undefined;
    },
    async send(topics, choices, onSent) {
      const id = batch?.id ?? randomKey();
      isSending = true;
      for (const [sent, topic] of topics.entries()) {
        batch = { id, sent, total: topics.length };
        onChange();
        const result = await sender.send({ topic, ...choices, batch: id });
        if (result !== "sent") {
          isSending = false;
          return topics.length - sent;
        }
        onSent(topic);
      }
      isSending = false;
      batch = undefined;
      return 0;
    },
    forget() {
      if (!isSending) batch = undefined;
    },
  };
}
