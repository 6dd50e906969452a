// One version in the line of descent, and the base model at its root.

import { enable, make, onPress, setText } from "../common/elements.js";
import { examFigure, lossFigure } from "./learned-chart.js";
import { samplesFold } from "./learned-samples.js";
import { exam, facts, headline, mark, origin, takenBack } from "./learned-words.js";

/** What versions and the base model share: a heading, a mark, and a button that lets it write. */
class Writer {
  /** `onWrite(name)` when the button is pressed; `name` null is the base model. */
  constructor({ name, title, label, onWrite }) {
    this.name = name;
    this.title = make("h3", { className: "version-name", tabIndex: -1 }, title);
    this.mark = make("span", { className: "version-mark" });
    this.button = make("button", { type: "button", className: "outlined" }, label);
    if (name) this.button.setAttribute("aria-label", `${label}, ${name}`);
    onPress(this.button, () => onWrite(this.name));
    const knot = make("span", { className: "knot" });
    knot.setAttribute("aria-hidden", "true");
    const head = make("div", { className: "version-head" }, this.title, this.mark, this.button);
    this.element = make("li", { className: "version" }, knot, head);
  }

  focus() {
    this.title.focus({ preventScroll: true });
  }

  stand({ isActive, canWrite, isBusy, told }) {
    this.element.classList.toggle("is-active", isActive);
    this.element.setAttribute("aria-current", String(isActive));
    setText(this.mark, told);
    this.button.hidden = isActive || !canWrite;
    enable(this.button, !isBusy);
  }
}

export class BaseView extends Writer {
  constructor(onWrite) {
    super({ name: null, title: "The base model", label: "Back to the base model", onWrite });
    this.element.classList.add("is-base");
    this.about = make("p", { className: "version-origin" });
    this.element.append(this.about);
  }

  show({ active, versions }, isBusy) {
    const names = [...new Set(versions.map(({ base }) => base.name))];
    setText(this.about, `${names.join(", ")}: as it came, before it learned anything from you.`);
    this.stand({ isActive: active === null, canWrite: true, isBusy, told: active === null ? "Writes now" : "" });
  }
}

export class VersionView extends Writer {
  constructor(version, onWrite) {
    super({ name: version.name, title: version.name, label: "Write with this version", onWrite });
    this.lost = make("p", { className: "version-lost" });
    this.element.append(
      ...said("version-headline", headline(version)),
      make("p", { className: "version-origin" }, origin(version)),
      this.lost,
      ...said("version-reason", version.reason),
      make("div", { className: "folds" }, figuresFold(version), samplesFold(version), ...report(version)),
    );
  }

  show(version, told, isBusy) {
    const isActive = version.name === told.active;
    this.element.classList.toggle("is-kept", version.status === "kept" && !isActive);
    setText(this.lost, takenBack(version));
    this.stand({ isActive, canWrite: version.status !== "candidate", isBusy, told: mark(version, told) });
  }
}

const said = (className, sentence) => (sentence ? [make("p", { className }, sentence)] : []);

/** The figures, drawn when they are first looked at. */
function figuresFold(version) {
  const content = make("div", { className: "figures-fold" });
  const fold = make("details", { className: "fold" }, make("summary", {}, "Figures and tests"), content);
  fold.addEventListener("toggle", () => content.hasChildNodes() || content.append(...figures(version)), { once: true });
  return fold;
}

function figures({ metrics, status }) {
  const plots = [lossFigure(metrics.epochs), examFigure(metrics)].filter(Boolean);
  const rows = [["Your stories", exam({ metrics })], ...facts({ metrics })].filter(([, sentence]) => sentence);
  const gates = metrics.gates ?? [];
  if (!plots.length && !rows.length && !gates.length) {
    const why = status === "candidate" ? "It has not been tried yet." : "No figures were kept of it.";
    return [make("p", { className: "soft" }, why)];
  }
  return [
    make("div", { className: "plots" }, ...plots),
    make("dl", { className: "facts" }, ...rows.map(row)),
    ...(gates.length ? [make("h4", {}, "What it had to pass"), make("ul", { className: "gates" }, ...gates.map(gate))] : []),
  ];
}

const row = ([name, sentence]) => make("div", {}, make("dt", {}, name), make("dd", {}, sentence));

function gate({ label, sentence, passed }) {
  const sign = make("span", { className: "gate-sign" }, passed ? "✓" : "✗");
  sign.setAttribute("aria-hidden", "true");
  const verdict = make("span", { className: "unseen" }, passed ? "Passed: " : "Not passed: ");
  return make("li", { className: passed ? "gate" : "gate is-failed" }, sign, make("span", {}, verdict, sentence || label));
}

function report({ name, has_report: isThere }) {
  if (!isThere) return [];
  const href = `/learning/versions/${name}/report`;
  const link = make("a", { className: "report-link", target: "_blank", rel: "noopener", href });
  link.append("Full report", make("span", { className: "unseen" }, ` on ${name}, in a new tab`));
  return [link];
}
