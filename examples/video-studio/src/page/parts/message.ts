import type { Language } from "../../pipeline/language.js";
import { VOICES } from "../../pipeline/voices.js";
import { presenterFace } from "../art.js";
import type { Asked } from "../asked.js";
import { el, setText } from "../dom.js";
import type { Texts } from "../texts/texts.js";

/** One message of the conversation; its sender is named for screen readers. */
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

/** What the user asked for, as they said it. */
export function createRequestMessage(): {
  readonly element: HTMLElement;
  render(asked: Asked | undefined, language: Language, texts: Texts): void;
} {
  const topic = el("p", { class: "bubble-topic" });
  const choices = el("p", { class: "bubble-choices" });
  const bubble = el("div", { class: "bubble" }, [topic, choices]);
  const { element, name } = messageFrom("user", [bubble]);
  return {
    element,
    render(asked, language, texts) {
      element.hidden = asked === undefined;
      if (asked === undefined) return;
      setText(name, texts.you);
      setText(topic, asked.topic);
      const voice = VOICES.find(({ id }) => id === asked.voice)?.label[language] ?? asked.voice;
      setText(choices, `${texts.seconds(String(asked.duration))} · ${voice}`);
    },
  };
}
