// The film strip of the chosen map: one column a step, with its strongest spot.

import { state } from "./address.js";
import { askOnce } from "./server.js";
import { alertBox } from "./spots.js";
import { make, picture, short } from "./tiles.js";

/** The strip. Its element stays on the page, so it keeps the focus and its scroll position. choose(key) shows a step. */
export class FilmStrip {
  constructor(choose) {
    this.choose = choose;
    this.element = make("div");
    [this.columns, this.cells] = [[], []];
    this.marked = null; // the map and the step to which the strip was scrolled
  }

  /** Show the strip of a map, if there are several steps, and mark the chosen step. `layer` lists the steps. */
  show({ step: _, ...query }, { changed, earlier, newest }) {
    this.element.hidden = earlier.length + (newest === null ? 1 : 0) < 2;
    const [map, version] = [JSON.stringify(query), JSON.stringify(changed)];
    if (this.element.hidden || (this.map === map && this.version === version)) return this.mark();
    if (this.map !== map) this.element.setAttribute("aria-busy", true); // hides the strip; nothing below it moves
    Object.assign(this, { map, version });
    const fill = (columns, error) => {
      if (this.map !== map || this.version !== version) return; // the answer for an earlier map
      const strip = this.draw(columns);
      const content = error ? alertBox(error) : strip;
      const before = this.element.firstChild?.scrollLeft ?? 0;
      const focused = this.element.contains(document.activeElement) && document.activeElement.dataset.step;
      this.element.replaceChildren(content);
      this.element.setAttribute("aria-busy", false);
      content.scrollLeft = before;
      this.mark();
      if (focused !== false) content.querySelector(`[data-step="${focused}"]`)?.focus({ preventScroll: true });
    };
    askOnce("strip", query, changed).then(({ columns }) => fill(columns), (error) => fill([], error));
  }

  draw(columns) {
    this.columns = columns;
    this.cells = columns.map((column, at) => cell(column, columns[at - 1], this.choose));
    return make("div", { class: "strip", role: "group", "aria-label": "The strongest spot at each step" }, ...this.cells);
  }

  /** Mark the column of the chosen step. If the step or the map is another one than before, scroll the strip to it. */
  mark() {
    // The newest results have the key "".
    const at = this.columns.findIndex(({ step, key }) => key === (state.step ?? "") || String(step) === state.step);
    this.cells.forEach((cell, place) => cell.setAttribute("aria-pressed", place === at));
    const before = this.marked;
    this.marked = JSON.stringify([this.map, this.columns[at]?.step]);
    if (at < 0 || this.marked === before) return;
    const [one, strip] = [this.cells[at], this.element.firstChild];
    const hidden = one.offsetLeft < strip.scrollLeft || one.offsetLeft + one.offsetWidth > strip.scrollLeft + strip.clientWidth;
    if (hidden) strip.scrollLeft = one.offsetLeft - strip.clientWidth / 2;
  }
}

function cell({ step, key, spot, error }, before, choose) {
  const number = step === null ? "not recorded" : step.toLocaleString("en");
  const lines = spot ? [picture(spot.projection, ""), spot.patch && picture(spot.patch, "", "patch")] : [make("div", { class: "dead" }, error ? "none" : "dead")];
  const jump = before?.spot && spot && spot.image !== before.spot.image;
  const text = spot ? `${short(spot.activation)}${spot.label === null ? "" : ` · ${spot.label}`}` : "";
  const title = error ?? `step ${number}${jump ? ", another image than at the step before" : ""}`;
  const attributes = { type: "button", "data-step": key, title, "aria-label": `${title} ${text}`, class: jump && "jump" };
  return make("button", { ...attributes, onclick: () => choose(key) }, number, ...lines, make("small", {}, text));
}
