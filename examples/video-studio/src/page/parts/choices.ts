import type { Label, Language } from "../../pipeline/language.js";
import { BACKGROUNDS, COMPOSITIONS } from "../../pipeline/looks.js";
import { LIMITS } from "../../pipeline/request.js";
import { VOICES } from "../../pipeline/voices.js";
import { presenterArt } from "../art.js";
import { el, setAttribute, setText } from "../dom.js";
import type { I18n } from "../i18n.js";
import type { VideoInput } from "../video-input.js";

/** The input without the topic. */
type Choices = Omit<VideoInput, "topic">;

/** The fields for duration, voice, composition and background. */
export interface ChoiceFields {
  readonly element: HTMLElement;
  readonly value: Choices;
  set(choices: Choices): void;
  /** The choices as one line of text. */
  summary(): string;
  render(): void;
}

/** Creates the fields. `onChange` is called after each change. */
export function createChoices(i18n: I18n, onChange: () => void): ChoiceFields {
  const duration = createDuration(i18n);
  const voice = createVoice(i18n);
  const composition = createSwatches("composition", COMPOSITIONS, i18n);
  const background = createSwatches("background", BACKGROUNDS, i18n);
  const fields = [duration, voice, composition, background];
  const element = el(
    "div",
    { class: "choices" },
    fields.map((field) => field.element),
  );
  const update = () => {
    element.dataset.background = background.value;
    duration.render();
    onChange();
  };
  element.addEventListener("input", update);
  element.dataset.background = background.value;

  return {
    element,
    get value() {
      return {
        duration: duration.value,
        voice: voice.value,
        composition: composition.value,
        background: background.value,
      };
    },
    set(choices) {
      duration.value = choices.duration;
      voice.value = choices.voice;
      composition.value = choices.composition;
      background.value = choices.background;
      update();
    },
    summary: () => `${i18n.texts.seconds(String(duration.value))} · ${voice.label()}`,
    render() {
      for (const field of fields) field.render();
    },
  };
}

function createDuration(i18n: I18n) {
  const name = el("span", { class: "field-name" });
  const output = el("output", { class: "field-value" });
  const input = el("input", {
    attributes: {
      type: "range",
      min: LIMITS.minSeconds,
      max: LIMITS.maxSeconds,
      step: 5,
      value: LIMITS.defaultSeconds,
    },
  });
  return {
    element: el("label", { class: "field" }, [
      el("span", { class: "field-head" }, [name, output]),
      input,
    ]),
    get value() {
      return input.valueAsNumber;
    },
    set value(seconds: number) {
      input.valueAsNumber = seconds;
    },
    render() {
      const text = i18n.texts.seconds(input.value);
      setText(name, i18n.texts.duration);
      setText(output, text);
      setAttribute(input, "aria-valuetext", text);
    },
  };
}

function createVoice(i18n: I18n) {
  const name = el("span", { class: "field-name" });
  const select = el("select", {});
  const groups = (["vi", "en"] as const).map((language) => ({
    language,
    element: el(
      "optgroup",
      {},
      VOICES.filter((voice) => voice.language === language).map(({ id }) =>
        el("option", { attributes: { value: id } }),
      ),
    ),
  }));
  select.append(...groups.map(({ element }) => element));
  let isTouched = false;
  select.addEventListener("change", () => (isTouched = true));
  return {
    element: el("label", { class: "field" }, [el("span", { class: "field-head" }, [name]), select]),
    get value() {
      return select.value;
    },
    set value(id: string) {
      select.value = id;
      isTouched = true;
    },
    label: () => select.selectedOptions[0]?.textContent ?? "",
    render() {
      const { language, texts } = i18n;
      setText(name, texts.voice);
      for (const group of groups)
        group.element.label =
          group.language === "vi" ? texts.vietnameseVoices : texts.englishVoices;
      for (const option of select.options) setText(option, voiceLabel(option.value, language));
      // The voice follows the page's language until the user chooses one.
      if (!isTouched) select.value = VOICES.find((voice) => voice.language === language)?.id ?? "";
    },
  };
}

function voiceLabel(id: string, language: Language): string {
  return VOICES.find((voice) => voice.id === id)?.label[language] ?? id;
}

function createSwatches(
  kind: "composition" | "background",
  looks: readonly { readonly id: string; readonly label: Label }[],
  i18n: I18n,
) {
  const legend = el("legend", { class: "field-name" });
  const swatches = looks.map(({ id, label }, index) => {
    const input = el("input", {
      class: "visually-hidden",
      attributes: { type: "radio", name: kind, value: id, checked: index === 0 },
    });
    const picture = el("span", { class: "swatch" });
    picture.dataset[kind] = id;
    if (kind === "composition") picture.append(presenterArt());
    const text = el("span", { class: "visually-hidden" });
    return { id, label, input, text, element: el("label", {}, [input, picture, text]) };
  });
  return {
    element: el("fieldset", { class: "field" }, [
      legend,
      el(
        "div",
        { class: "swatches" },
        swatches.map(({ element }) => element),
      ),
    ]),
    get value() {
      return swatches.find(({ input }) => input.checked)?.id ?? looks[0]?.id ?? "";
    },
    set value(id: string) {
      for (const swatch of swatches) swatch.input.checked = swatch.id === id;
    },
    render() {
      setText(legend, i18n.texts[kind]);
      for (const { element, label, text } of swatches) {
        setText(text, label[i18n.language]);
        element.title = label[i18n.language];
      }
    },
  };
}
