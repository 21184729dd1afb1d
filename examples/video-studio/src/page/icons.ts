const SVG = "http://www.w3.org/2000/svg";

/** The strokes of each icon, on a 24 by 24 grid. */
const PATHS = {
  check: "M5 12.5 10 17.5 19.5 7",
  cross: "M6.5 6.5l11 11M17.5 6.5l-11 11",
  dash: "M7 12h10",
  spark: "M12 3.5l1.9 5.6 5.6 1.9-5.6 1.9L12 18.5l-1.9-5.6L4.5 11l5.6-1.9zM19 16.5v4M17 18.5h4",
  send: "M12 19.5V5M5.5 11 12 4.5 18.5 11",
  download: "M12 4.5v10.5M7 10.5l5 5 5-5M5 19.5h14",
  again: "M4.5 12a7.5 7.5 0 1 0 2.4-5.5M4.5 4.5v4h4",
  stop: "M7 7h10v10H7z",
  link: "M10 14a4 4 0 0 0 5.7 0l3-3A4 4 0 0 0 13 5.300l-1 1M14 10a4 4 0 0 0-5.7 0l-3 3A4 4 0 0 0 11 18.700l1-1",
  sliders: "M4 8h9M17 8h3M4 16h3M11 16h9M15 5.500v5M9 13.500v5",
  clock: "M12 7.500V12l3 2M20 12a8 8 0 1 1-16 0 8 8 0 0 1 16 0z",
  alert: "M12 8v5M12 16.500v.1M20.5 12a8.5 8.5 0 1 1-17 0 8.5 8.5 0 0 1 17 0z",
  plug: "M9 4v4M15 4v4M6.5 8h11v3.500a5.5 5.5 0 0 1-11 0zM12 17v3.5",
  trash: "M5 7h14M10 7V4.500h4V7M7 7l.8 12.500h8.400L17 7M10.500 11v5M13.500 11v5",
  film: "M4.500 6h15v12h-15zM10 9.500v5l4.500-2.500z",
  lines: "M5 7h3M11 7h8M5 12h3M11 12h8M5 17h3M11 17h8",
  chevron: "M7 10l5 5 5-5",
} as const;

/** The name of an icon. */
export type IconName = keyof typeof PATHS;

/** An icon with the colour and size of the text around it. It is hidden from screen readers. */
export function icon(name: IconName): SVGSVGElement {
  const svg = document.createElementNS(SVG, "svg");
  for (const [key, value] of Object.entries({
    class: "icon",
    viewBox: "0 0 24 24",
    fill: "none",
    stroke: "currentColor",
    "stroke-width": "2",
    "stroke-linecap": "round",
    "stroke-linejoin": "round",
    "aria-hidden": "true",
    focusable: "false",
  }))
    svg.setAttribute(key, value);
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}
