import { el, setText } from "../dom.js";
import type { I18n } from "../i18n.js";
import { icon } from "../icons.js";
import { messageFrom } from "./message.js";

/** The first message of the conversation, with ideas. A click on an idea puts it into the composer. */
export function createWelcome(
  i18n: I18n,
  onIdea: (idea: string) => void,
): { readonly element: HTMLElement; render(): void } {
  const title = el("h1", { class: "welcome-title" });
  const text = el("p", { class: "welcome-text" });
  const ideasTitle = el("h2", { class: "ideas-title" });
  const ideas = el("div", { class: "ideas" });
  const { element, name } = messageFrom("assistant", [
    el("div", { class: "welcome" }, [title, text, ideasTitle, ideas]),
  ]);
  return {
    element,
    render() {
      const { texts } = i18n;
      setText(name, texts.assistant);
      setText(title, texts.welcomeTitle);
      setText(text, texts.welcomeText);
      setText(ideasTitle, texts.ideasTitle);
      ideas.replaceChildren(
        ...texts.ideas.map((idea) =>
          el(
            "button",
            { class: "idea", attributes: { type: "button" }, on: { click: () => onIdea(idea) } },
            [icon("spark"), el("span", { text: idea })],
          ),
        ),
      );
    },
  };
}
