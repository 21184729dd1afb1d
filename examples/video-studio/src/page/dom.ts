/** What {@link el} sets on an element. Data becomes text or an attribute, never markup. */
export interface ElementOptions {
  readonly class?: string;
  readonly text?: string;
  /** `false` omits the attribute, `true` sets it to the empty string. */
  readonly attributes?: Readonly<Record<string, string | number | boolean>>;
  readonly on?: Readonly<Record<string, (event: Event) => void>>;
}

/** Creates an element with its children. This page creates all HTML elements with this function. */
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

/** Sets a text only if it differs, so that the same text does not disturb screen readers and selections. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

/** Sets an attribute only if it differs. `false` removes it, `true` sets it to the empty string. */
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

/** Shows or hides an element. If the element has the focus, the focus moves to `focusNext` before it is hidden. */
export function setHidden(element: HTMLElement, hidden: boolean, focusNext?: HTMLElement): void {
  if (element.hidden === hidden) return;
  if (hidden && element.contains(document.activeElement)) focusNext?.focus({ preventScroll: true });
  element.hidden = hidden;
}
