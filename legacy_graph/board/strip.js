// The film strip of the chosen map: one column a step, with its strongest spot.

import { make, picture, short } from "./tiles.js";

/** The strip. choose(key) shows a step. */
export function filmStrip(columns, current, choose) {
  const cells = columns.map((column, at) => cell(column, columns[at - 1], choose));
  const strip = make("div", { class: "strip", role: "group", "aria-label": "The strongest spot at each step" }, ...cells);
  markStep(strip, current);
  return strip;
}

/** Mark the column of a step, and scroll the strip to it. */
export function markStep(strip, key) {
  for (const one of strip.children) {
    const current = one.dataset.step === key;
    one.setAttribute("aria-pressed", current);
    if (!current) continue;
    const hidden = one.offsetLeft < strip.scrollLeft || one.offsetLeft + one.offsetWidth > strip.scrollLeft + strip.clientWidth;
    if (hidden) strip.scrollLeft = one.offsetLeft - strip.clientWidth / 2;
  }
}

function cell({ step, key, spot, error }, before, choose) {
  const number = step === null ? "not recorded" : step.toLocaleString("en");
  const lines = spot ? [picture(spot.projection, ""), spot.patch && picture(spot.patch, "")] : [make("div", { class: "dead" }, error ? "none" : "dead")];
  const jump = before?.spot && spot && spot.image !== before.spot.image;
  const text = spot ? `${short(spot.activation)}${spot.label === null ? "" : ` · ${spot.label}`}` : "";
  const title = error ?? `step ${number}${jump ? ", another image than at the step before" : ""}`;
  const attributes = { type: "button", "data-step": key, title, "aria-label": `${title} ${text}`, class: jump && "jump" };
  return make("button", { ...attributes, onclick: () => choose(key) }, number, ...lines, make("small", {}, text));
}
