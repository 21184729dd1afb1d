import { el, setAttribute, setText } from "./dom.js";
import type { RevealArea } from "./revealer.js";
import type { Texts } from "./texts/texts.js";

interface Part {
  readonly element: HTMLElement;
}

/** The parts of the page. */
export interface LayoutParts {
  readonly header: Part;
  readonly welcome: Part;
  readonly conversation: Part;
  readonly banner: Part;
  readonly composer: Part;
  readonly library: Part;
  readonly announcer: Part;
}

/** Puts the parts of the page into `root`. */
export function createLayout(
  root: HTMLElement,
  parts: LayoutParts,
): RevealArea & { render(texts: Texts): void } {
  const { header, welcome, conversation, banner, composer, library, announcer } = parts;
  const skip = el("a", { class: "skip-link", attributes: { href: "#topic" } });
  const main = el("main", { class: "conversation" }, [welcome.element, conversation.element]);
  const dock = el("div", { class: "dock" }, [banner.element, composer.element]);
  const talk = el("div", { class: "talk" }, [main, dock]);
  root.append(
    skip,
    header.element,
    el("div", { class: "workspace" }, [talk, library.element]),
    announcer.element,
  );
  return {
    header: header.element,
    dock,
    render(texts) {
      setText(skip, texts.skipToComposer);
      setAttribute(main, "aria-label", texts.conversation);
    },
  };
}
