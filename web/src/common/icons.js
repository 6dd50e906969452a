// The few icons that are drawn by script; the others stand in the template.

const PATHS = { cross: "m5 5 10 10M15 5 5 15" };
const SVG = "http://www.w3.org/2000/svg";

/** An icon by its name, for the eye only. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  const path = document.createElementNS(SVG, "path");
  svg.setAttribute("class", "icon");
  svg.setAttribute("viewBox", "0 0 20 20");
  svg.setAttribute("aria-hidden", "true");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}
