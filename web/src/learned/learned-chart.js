// Draws the small plots: SVG made by hand, each with a name that says what it shows.

import { make } from "../common/elements.js";
import { intervalPlot, lossPlot, path } from "./learned-plot.js";
import { change, rivalOf } from "./learned-words.js";

const SVG = "http://www.w3.org/2000/svg";
const LOSS = { width: 320, height: 168, left: 40, right: 304, top: 14, bottom: 128 };
const EXAM = { width: 320, height: 84, left: 12, right: 308, line: 34 };

function draw(tag, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

function figure({ width, height }, title, caption, ...shapes) {
  const svg = draw("svg", { viewBox: `0 0 ${width} ${height}`, class: "plot", role: "img", "aria-label": title }, ...shapes);
  return make("figure", { className: "plot-figure" }, make("figcaption", {}, caption), svg);
}

const text = (x, y, content, more = {}) => draw("text", { x, y, ...more }, content);
const line = (x1, y1, x2, y2, name) => draw("line", { x1, y1, x2, y2, class: name });

/** The loss after each epoch; null when there is nothing to draw. */
export function lossFigure(epochs = []) {
  const plot = lossPlot(epochs, LOSS);
  if (!plot) return null;
  const { left, right, bottom } = LOSS;
  const first = plot.exam[0].value.toFixed(2);
  const { value, epoch: taken } = plot.best;
  const exam = `those kept for the exam, ${first} before the first pass and ${value.toFixed(2)} after pass ${taken}`;
  return figure(
    LOSS,
    `How much the stories surprise it: ${exam}, which was taken.`,
    "Surprise (loss) after each pass through your stories",
    ...plot.bounds.flatMap((bound) => [
      line(left, bound.y, right, bound.y, "plot-grid"),
      text(left - 6, bound.y + 4, bound.value.toFixed(2), { "text-anchor": "end" }),
    ]),
    ...plot.epochs.map(({ x, epoch }) => text(x, bottom + 16, epoch, { "text-anchor": "middle" })),
    draw("polyline", { points: path(plot.train), class: "plot-line is-train" }),
    draw("polyline", { points: path(plot.exam), class: "plot-line" }),
    ...plot.train.map(({ x, y }) => draw("rect", { x: x - 2.5, y: y - 2.5, width: 5, height: 5, class: "plot-point is-train" })),
    ...plot.exam.map(({ x, y }) => draw("circle", { cx: x, cy: y, r: 3, class: "plot-point" })),
    draw("circle", { cx: plot.best.x, cy: plot.best.y, r: 6.5, class: "plot-ring" }),
    ...legend(bottom + 36),
  );
}

function legend(y) {
  return [
    line(LOSS.left, y - 4, LOSS.left + 22, y - 4, "plot-line"),
    text(LOSS.left + 28, y, "kept for the exam"),
    line(LOSS.left + 140, y - 4, LOSS.left + 162, y - 4, "plot-line is-train"),
    text(LOSS.left + 168, y, "learned from"),
  ];
}

/** How the exam went against the version before, with its interval; null when it was not held. */
export function examFigure({ held_out: found, against }) {
  const plot = intervalPlot(found, EXAM);
  if (!plot) return null;
  const rival = rivalOf({ against });
  const { line: y } = EXAM;
  const title = `${change(found.ratio)} surprise than ${rival}; 95 % interval from ${change(found.low)} to ${change(found.high)}.`;
  const inside = (x) => Math.min(Math.max(x, 44), EXAM.width - 44);
  return figure(
    EXAM,
    title,
    "Surprise at the exam, with its 95 % interval",
    line(EXAM.left, y, EXAM.right, y, "plot-grid"),
    line(plot.rival, y - 16, plot.rival, y + 16, "plot-rival"),
    line(plot.low, y, plot.high, y, "plot-interval"),
    line(plot.low, y - 5, plot.low, y + 5, "plot-line"),
    line(plot.high, y - 5, plot.high, y + 5, "plot-line"),
    draw("circle", { cx: plot.at, cy: y, r: 5, class: "plot-point" }),
    text(inside(plot.at), y - 16, change(found.ratio), { "text-anchor": "middle", class: "plot-value" }),
    text(inside(plot.rival), y + 32, `as ${rival}`, { "text-anchor": "middle" }),
  );
}
