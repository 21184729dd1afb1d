import type { Language } from "../../pipeline/language.js";
import { VOICES } from "../../pipeline/voices.js";
import { presenterFace } from "../art.js";
import { el, setText } from "../dom.js";
import type { Texts } from "../texts/texts.js";
import type { VideoInput } from "../video-input.js";

/** One message of the conversation. Screen readers read the name of its sender. */
export function messageFrom(
  sender: "assistant" | "user",
  children: readonly Node[],
): { readonly element: HTMLElement; readonly name: HTMLElement } {
  const name = el("span", { class: "visually-hidden" });
  const face = el("span", { class: "avatar", attributes: { "aria-hidden": "true" } });
  if (sender === "assistant") face.append(presenterFace());
  const content = el("div", { class: "message-content" }, [name, ...children]);
  const parts = sender === "assistant" ? [face, content] : [content];
  return { element: el("div", { class: `message ${sender}` }, parts), name };
}

/** The user's message with the input for a video. */
export function createRequestMessage(): {
  readonly element: HTMLElement;
  render(input: VideoInput | undefined, language: Language, texts: Texts): void;
} {
  const topic = el("p", { class: "bubble-topic" });
  const choices = el("p", { class: "bubble-choices" });
  const bubble = el("div", { class: "bubble" }, [topic, choices]);
  const { element, name } = messageFrom("user", [bubble]);
  return {
    element,
    render(input, language, texts) {
      element.hidden = input === undefined;
      if (input === undefined) return;
      setText(name, texts.you);
      setText(topic, input.topic);
      const voice = VOICES.find(({ id }) => id === input.voice)?.label[language] ?? input.voice;
      setText(choices, `${texts.seconds(String(input.duration))} · ${voice}`);
    },
  };
}
