import type { Language } from "../../pipeline/language.js";
import { presenterFace } from "../art.js";
import { el, setText } from "../dom.js";
import type { I18n } from "../i18n.js";

const NAMES: Readonly<Record<Language, string>> = { vi: "Tiếng Việt", en: "English" };

/** The studio's name, a button that opens the list of videos, and the language switch. */
export function createHeader(
  i18n: I18n,
  videos: HTMLElement,
): { readonly element: HTMLElement; render(): void } {
  const tagline = el("span", { class: "brand-tagline" });
  const brand = el("div", { class: "brand" }, [
    el("span", { class: "avatar", attributes: { "aria-hidden": "true" } }, [presenterFace()]),
    el("span", { class: "brand-names" }, [el("strong", { text: "Em Linh" }), tagline]),
  ]);
  const legend = el("legend", { class: "visually-hidden" });
  const choices = (["vi", "en"] as const).map((language) => createChoice(language, i18n));
  const element = el("header", { class: "top" }, [
    brand,
    el("div", { class: "top-controls" }, [
      videos,
      el("fieldset", { class: "languages" }, [legend, ...choices]),
    ]),
  ]);
  return {
    element,
    render() {
      setText(tagline, i18n.texts.tagline);
      setText(legend, i18n.texts.languageLegend);
    },
  };
}

/** One language, with its name in that language. */
function createChoice(language: Language, i18n: I18n): HTMLElement {
  const input = el("input", {
    class: "visually-hidden",
    attributes: {
      type: "radio",
      name: "language",
      value: language,
      checked: i18n.language === language,
    },
    on: { change: () => i18n.choose(language) },
  });
  const name = el("span", {
    class: "language-code",
    text: language.toUpperCase(),
    attributes: { "aria-hidden": "true" },
  });
  const full = el("span", {
    class: "visually-hidden",
    text: NAMES[language],
    attributes: { lang: language },
  });
  return el("label", { attributes: { title: NAMES[language] } }, [input, name, full]);
}
