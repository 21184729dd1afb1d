import { el, setAttribute, setHidden, setText } from "../dom.js";
import { icon } from "../icons.js";
import type { Phase, Texts } from "../texts/texts.js";

/** The button that copies the address of one video; it says so until the user goes elsewhere. */
export function createLinkButton(copyLink: () => Promise<void>): {
  readonly element: HTMLButtonElement;
  render(phase: Phase, texts: Texts): void;
} {
  let isCopied = false;
  let last: Parameters<typeof render> | undefined;
  const label = el("span", { class: "visually-hidden", attributes: { "aria-live": "polite" } });
  const element = el(
    "button",
    { class: "button quiet link-button", attributes: { type: "button" } },
    [label],
  );
  const settle = (copied: boolean) => {
    isCopied = copied;
    if (last !== undefined) render(...last);
  };
  element.addEventListener("click", () => {
    // Without the permission to write to the clipboard, the address bar still holds the link.
    copyLink().then(
      () => settle(true),
      () => settle(false),
    );
  });
  element.addEventListener("blur", () => settle(false));
  element.addEventListener("pointerleave", () => settle(false));

  function render(phase: Phase, texts: Texts): void {
    last = [phase, texts];
    const text = isCopied ? texts.linkCopied : texts.copyLink;
    setText(label, text);
    setAttribute(element, "title", text);
    setHidden(element, phase === "gone" || phase === "joining");
    if (element.dataset.copied === String(isCopied)) return;
    element.dataset.copied = String(isCopied);
    element.replaceChildren(icon(isCopied ? "check" : "link"), label);
  }
  return { element, render };
}
