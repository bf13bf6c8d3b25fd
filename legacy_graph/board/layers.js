// The layers of a run, and which of them is shown.

import { state } from "./address.js";

let assumed = null; // the layer, if the page chose it: the page leaves it when another layer has results

export const layersOf = (run) => [...new Set([...Object.keys(run.commands), ...Object.keys(run.layers)])];

/** The layer in the state is from the user or from an address. */
export function keepLayer() {
  assumed = null;
}

/** If the view does not have the layer, choose other results of this layer, or the last layer, at best of features. */
export function chooseLayer(run) {
  const own = state.view === "own";
  const layers = own ? Object.keys(run.commands) : layersOf(run);
  const filled = Object.keys(run.layers).filter((name) => layers.includes(name));
  const isLeft = state.layer === assumed && !own && filled.length && !filled.includes(state.layer);
  if (layers.includes(state.layer) && !isLeft) return;
  const plain = (name) => name?.split("-")[0]; // "conv2-training" -> "conv2"
  const alike = (isLeft ? filled : [...filled, ...layers]).find((name) => plain(name) === plain(state.layer));
  const complete = filled.filter((name) => !(name in run.recorded));
  assumed = alike ?? [...filled, ...complete].at(-1) ?? layers.at(-1) ?? null;
  Object.assign(state, { layer: assumed, map: alike ? state.map : null });
}
