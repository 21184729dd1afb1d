import { el, setAttribute, setHidden, setText } from "../dom.js";
import { icon } from "../icons.js";
import type { Phase, Texts } from "../texts/texts.js";

/** The button that copies the address of one video. It shows that it did until the pointer or the focus leaves it. */
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
    // If writing to the clipboard is not permitted, the user can copy the link from the address bar.
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
