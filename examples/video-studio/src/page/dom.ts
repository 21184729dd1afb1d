/** What {@link el} sets on an element: attributes, a class, a text, listeners. Data becomes text or an attribute, never markup. */
export interface ElementOptions {
  readonly class?: string;
  readonly text?: string;
  /** `false` and absent leave the attribute away, `true` sets it empty. */
  readonly attributes?: Readonly<Record<string, string | number | boolean>>;
  readonly on?: Readonly<Record<string, (event: Event) => void>>;
}

/** Makes one element with its children: the only way in which this page makes any. */
export function el<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  options: ElementOptions = {},
  children: readonly (Node | string)[] = [],
): HTMLElementTagNameMap[Name] {
  const element = document.createElement(name);
  if (options.class !== undefined) element.className = options.class;
  if (options.text !== undefined) element.textContent = options.text;
  for (const [key, value] of Object.entries(options.attributes ?? {}))
    setAttribute(element, key, value);
  for (const [type, listener] of Object.entries(options.on ?? {}))
    element.addEventListener(type, listener);
  element.append(...children);
  return element;
}

/** Sets a text only when it differs: screen readers and selections are not disturbed by the same words again. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

/** Sets an attribute only when it differs; `false` takes it away, `true` sets it empty. */
export function setAttribute(
  element: Element,
  name: string,
  value: string | number | boolean,
): void {
  if (value === false) element.removeAttribute(name);
  else {
    const text = value === true ? "" : String(value);
    if (element.getAttribute(name) !== text) element.setAttribute(name, text);
  }
}

/** Shows or hides an element, and moves the focus on first if it would be lost with it. */
export function setHidden(element: HTMLElement, hidden: boolean, focusNext?: HTMLElement): void {
  if (element.hidden === hidden) return;
  if (hidden && element.contains(document.activeElement)) focusNext?.focus({ preventScroll: true });
  element.hidden = hidden;
}
