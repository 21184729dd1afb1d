import { withoutTopic } from "../lines.js";
import { type Request, requestIn } from "./composer-request.js";

/** The field of the composer, which has one topic, or one per line. */
export interface TopicField {
  /** Whether each line is a topic. */
  isBatch: boolean;
  /** The videos that the text asks for. */
  request(): Request;
  /** Replaces the text by one topic, and moves the focus to its end. */
  set(topic: string): void;
  /** Removes a topic that was sent. The user may have begun to write the next one. */
  drop(topic: string): void;
  focus(): void;
}

/** Creates a field that has one topic. */
export function createTopicField(element: HTMLTextAreaElement): TopicField {
  const field: TopicField = {
    isBatch: false,
    request: () => requestIn(element.value, field.isBatch),
    set(topic) {
      element.value = topic;
      element.focus();
      element.setSelectionRange(topic.length, topic.length);
    },
    drop(topic) {
      if (field.isBatch) element.value = withoutTopic(element.value, topic);
      else if (field.request().topics[0] === topic) element.value = "";
    },
    focus: () => element.focus(),
  };
  return field;
}
