import type { I18n } from "../i18n.js";
import type { VideoInput } from "../video-input.js";
import type { BatchSender } from "./batch-sender.js";
import type { ChoiceFields } from "./choices.js";
import { faultIn, isTooLong } from "./composer-request.js";
import type { Sender } from "./sender.js";
import type { TopicField } from "./topic-field.js";

/** Sends the videos that the composer asks for. Those that are not sent stay in its field. */
export interface Submission {
  /** Sends the text of the field, or shows why it can't be sent. */
  submit(): Promise<void>;
  /** Sends one input. Resolves with whether it was sent. */
  deliver(input: VideoInput): Promise<boolean>;
}

/** The parts of the composer that a submission uses. */
export interface SubmissionContext {
  readonly i18n: I18n;
  readonly field: TopicField;
  readonly choices: Pick<ChoiceFields, "value">;
  readonly sender: Sender;
  readonly batch: BatchSender;
  /** Puts an input into the fields. */
  fill(input: VideoInput): void;
  /** The field has one topic again. */
  endBatch(): void;
  render(): void;
}

export function createSubmission(context: SubmissionContext): Submission {
  const { i18n, field, choices, sender, batch, fill, endBatch, render } = context;

  function drop(topic: string): void {
    field.drop(topic);
    render();
  }

  async function submit(): Promise<void> {
    const request = field.request();
    const [topic = ""] = request.topics;
    if (batch.sending || isTooLong(request)) return;
    if (faultIn(request, i18n) !== undefined) {
      sender.setMessage(() => faultIn(field.request(), i18n) ?? "");
      field.focus();
    } else if (request.topics.length > 1 || batch.isOpen) await deliverBatch(request.topics);
    else if (await deliver({ topic, ...choices.value })) drop(topic);
  }

  async function deliverBatch(topics: readonly string[]): Promise<void> {
    const left = await batch.send(topics, choices.value, drop);
    if (left === 0) return endBatch();
    const reason = sender.state.message;
    sender.setMessage((texts) => texts.batchLeft(left, reason?.(texts) ?? "").trim());
    field.focus();
  }

  async function deliver(input: VideoInput): Promise<boolean> {
    const result = await sender.send(input);
    if (result === "failed") field.focus();
    // The input of a card's button is not in the fields.
    if (result === "cancelled" && field.request().topics.length === 0) fill(input);
    return result === "sent";
  }

  return { submit, deliver };
}
