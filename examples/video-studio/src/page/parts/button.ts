import { el } from "../dom.js";
import { type IconName, icon } from "../icons.js";

/** A button with an icon and a text that follows the language. */
export interface Button {
  readonly element: HTMLButtonElement;
  readonly label: HTMLElement;
}

/** Creates a button. `look` is `primary` or `quiet`. */
export function createButton(look: string, name: IconName, onClick: () => void): Button {
  const label = el("span");
  const element = el(
    "button",
    { class: `button ${look}`, attributes: { type: "button" }, on: { click: onClick } },
    [icon(name), label],
  );
  return { element, label };
}
