const SVG = "http://www.w3.org/2000/svg";

/** The shapes of the presenter on a stage of 320 by 180, back to front. CSS classes set their colours. */
const PRESENTER: readonly (readonly [tag: string, attributes: Readonly<Record<string, string>>])[] =
  [
    ["circle", { class: "art-halo", cx: "0", cy: "88", r: "66" }],
    ["circle", { class: "art-halo", cx: "0", cy: "88", r: "54" }],
    ["path", { class: "art-hair", d: "M-40 150C-36 96-40 38 0 37c40 1 36 59 40 113z" }],
    ["path", { class: "art-jacket", d: "M-62 180c3-34 26-46 46-51h32c20 5 43 17 46 51z" }],
    ["path", { class: "art-shirt", d: "M-14 128h28L0 168z" }],
    ["path", { class: "art-skin", d: "M-11 108h22v20C6 136-6 136-11 128z" }],
    ["ellipse", { class: "art-skin", cx: "0", cy: "83", rx: "27", ry: "34" }],
    [
      "path",
      {
        class: "art-hair",
        d: "M-30 80c0-34 14-42 31-41 20 1 29 14 29 41-5-12-9-18-13-22-11 8-30 11-40 9-4 3-6 8-7 13z",
      },
    ],
    ["circle", { class: "art-eye", cx: "-11", cy: "83", r: "3" }],
    ["circle", { class: "art-eye", cx: "11", cy: "83", r: "3" }],
    ["path", { class: "art-mouth", d: "M-7 100q7 7 14 0" }],
  ];

/** The lines of text beside the presenter: x, y, width and height. */
const LINES = [
  [178, 34, 58, 10],
  [178, 54, 110, 12],
  [178, 72, 78, 12],
  [178, 98, 116, 10],
  [178, 113, 116, 10],
  [178, 128, 116, 10],
] as const;

/** A drawing that is shown until there is a preview. CSS adapts it to the requested background and composition. */
export function presenterArt(): SVGSVGElement {
  const presenter = shape("g", { class: "art-presenter" });
  presenter.append(...PRESENTER.map(([tag, attributes]) => shape(tag, attributes)));
  const lines = shape("g", { class: "art-lines" });
  lines.append(
    ...LINES.map(([x, y, width, height], index) =>
      shape("rect", {
        class: index === 0 ? "art-badge" : "art-line",
        x: String(x),
        y: String(y),
        width: String(width),
        height: String(height),
        rx: String(height / 2),
      }),
    ),
  );
  const svg = shape("svg", {
    class: "art",
    viewBox: "0 0 320 180",
    preserveAspectRatio: "xMidYMid slice",
    "aria-hidden": "true",
    focusable: "false",
  }) as SVGSVGElement;
  svg.append(presenter, lines);
  return svg;
}

/** The presenter's face, for the header and beside the messages. */
export function presenterFace(): SVGSVGElement {
  const svg = presenterArt();
  svg.setAttribute("class", "art face");
  // The shapes of the presenter are drawn around x = 0. This is the square around the head.
  svg.setAttribute("viewBox", "-46 30 92 92");
  svg.querySelector(".art-lines")?.remove();
  return svg;
}

function shape(tag: string, attributes: Readonly<Record<string, string>>): SVGElement {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}
