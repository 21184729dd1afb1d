import { el, setAttribute } from "../dom.js";

/** The newest preview frame that could be loaded. */
export interface Preview {
  readonly element: HTMLElement;
  /** Shows the frame at an address once it is loaded. Until then, and if that fails, the last one stays. */
  render(url: string | undefined, alt: string): void;
}

/** Creates an empty preview. It loads one frame at a time, and then the newest one. */
export function createPreview(): Preview {
  const element = el("div", { class: "stage-frames" });
  let newest: string | undefined;
  let requested: string | undefined;
  let isLoading = false;
  let text = "";

  function load(url: string): void {
    requested = url;
    isLoading = true;
    const frame = el("img", { class: "stage-preview", attributes: { alt: text } });
    frame.src = url;
    const shown = frame.decode().then(
      () => element.replaceChildren(frame),
      // The last frame stays. The next one comes with the next change of the job.
      () => undefined,
    );
    void shown.then(loadNext);
  }

  function loadNext(): void {
    isLoading = false;
    if (newest !== undefined && newest !== requested) load(newest);
  }

  return {
    element,
    render(url, alt) {
      text = alt;
      for (const frame of element.children) setAttribute(frame, "alt", alt);
      newest = url ?? newest;
      if (!isLoading) loadNext();
    },
  };
}
