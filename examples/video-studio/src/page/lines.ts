import { normalizeTopic } from "../shared/topic.js";

/** The topics of a text with one video per line, without empty lines. */
export function topicsIn(text: string): readonly string[] {
  return normalizeTopic(text).split("\n").map(normalizeTopic).filter(Boolean);
}

/** A text without the first line that has a topic. Other lines stay as they are. */
export function withoutTopic(text: string, topic: string): string {
  const lines = text.split("\n");
  const index = lines.findIndex((line) => normalizeTopic(line) === topic);
  return index < 0 ? text : lines.toSpliced(index, 1).join("\n");
}
