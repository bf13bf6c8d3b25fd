// The DECONVNET dashboard. TensorBoard loads this module into a frame of its page and calls render().

import { host, isShown, readAddress, state, writeAddress } from "./address.js";
import { OwnPicture } from "./own.js";
import { alertBox, describe, describeMap, emptyBox, METHODS } from "./spots.js";
import { chooser, make, picture, press } from "./tiles.js";

const ORDERS = {
  wins: ["most wins first", (map) => -map.wins],
  activation: ["strongest activation first", (map) => -(map.activation ?? -1)],
  number: ["by number", (map) => map.map],
};
const VIEWS = { digits: "Strongest images", own: "Your own" };
const HINT = `Each map is drawn as the projection of its strongest activation. Click a map for its strongest images.
  A map wins a position where no other map of the layer is stronger.`;
const POLL = 5000; // milliseconds between requests for new results

const page = {}; // the permanent elements: selects, note, grid, detail
let listing = { runs: [] };
let turns = 0; // increases with every change; answers to requests of earlier turns are ignored
let lost = false; // whether TensorBoard did not answer the last time

/** Ask a route of the server; throws an Error with the server's line and `status`. */
async function ask(route, query = {}, body = null) {
  const address = new URL(route, import.meta.url);
  address.search = new URLSearchParams(query);
  const answer = await fetch(address, body && { method: "POST", body, headers: { "X-Deconvnet": "1" } });
  const found = await answer.json().catch(() => ({ error: `TensorBoard answered with the status ${answer.status}` }));
  if (!answer.ok) throw Object.assign(new Error(found.error), { status: answer.status });
  return found;
}

function followTheme() {
  const dark = host.document.body.classList.contains("dark-mode");
  document.documentElement.dataset.theme = dark ? "dark" : "light";
}

const currentRun = () => listing.runs.find((run) => run.name === state.run);
const usableRuns = () => listing.runs.filter((run) => state.view !== "own" || run.newest !== null);
const layersOf = (run) => [...new Set([...Object.keys(run.commands), ...Object.keys(run.layers)])];

/** Set the options of a select, as [value, text], and its value. */
function fill(select, options, value) {
  const texts = JSON.stringify(options);
  const elements = options.map(([value, text]) => make("option", { value }, text));
  if (select.dataset.options !== texts) select.replaceChildren(...elements);
  select.dataset.options = texts;
  select.value = value;
}

/** Fill the step selector: the newest results or checkpoint, with the value "", then earlier results. */
function showSteps(newest, earlier = []) {
  const format = (step) => step.toLocaleString("en");
  fill(page.step, [["", newest === null ? "not recorded" : format(newest)], ...earlier.map((step) => [step, format(step)])], state.step ?? "");
}

/** Show a note if the results are older than the newest checkpoint. */
function showNote(run, step) {
  page.note.dataset.step = step ?? "";
  const old = run.newest !== null && step !== null && step !== run.newest;
  const newest = old && `The newest checkpoint is of step ${run.newest.toLocaleString("en")}. This command reads it:`;
  page.note.replaceChildren(...(old ? [emptyBox(newest, run.commands[state.layer])] : []));
}

/** Replace names in the address that do not exist by names that exist. */
function repairState() {
  if (!(state.view in VIEWS)) state.view = "digits";
  if (!(state.order in ORDERS)) state.order = "wins";
  const runs = usableRuns();
  if (!runs.includes(currentRun())) state.run = runs[0]?.name ?? null;
  const run = currentRun();
  if (!run) return;
  const layers = state.view === "own" ? Object.keys(run.commands) : layersOf(run);
  const filled = Object.keys(run.layers).filter((name) => layers.includes(name));
  if (!layers.includes(state.layer)) Object.assign(state, { layer: filled.at(-1) ?? layers.at(-1) ?? null, map: null });
  const known = run.layers[state.layer]?.earlier.includes(Number(state.step ?? NaN));
  if (state.view === "own" || !known) state.step = null;
}

/** Change the state, then show it. */
function change(values) {
  Object.assign(state, values);
  show();
}

function show() {
  turns++;
  repairState();
  const run = currentRun();
  fill(page.run, usableRuns().map(({ name, title }) => [name, title]), state.run);
  fill(page.layer, run ? layersOf(run).map((name) => [name, name]) : [], state.layer);
  fill(page.method, Object.entries(METHODS), state.method ?? "deconvnet");
  fill(page.order, Object.entries(ORDERS).map(([name, [text]]) => [name, text]), state.order);
  for (const [view, tab] of Object.entries(page.tabs)) tab.setAttribute("aria-selected", view === state.view);
  const own = state.view === "own";
  for (const name of ["layer", "order"]) page[name].parentElement.hidden = own;
  page.own.pad.element.hidden = !own;
  page.note.replaceChildren();
  writeAddress();
  if (own) page.own.show(run);
  else if (!run) showEmpty(`No run in ${listing.logdir || "the log: --logdir is missing"}. Train one:`, listing.train);
  else showMaps(run);
}

/** Show what is missing, and the command that writes it, instead of maps. */
function showEmpty(text, command) {
  page.detail.replaceChildren();
  page.grid.replaceChildren(emptyBox(text, command));
}

async function showMaps(run) {
  const turn = turns;
  const command = run.commands[state.layer];
  if (!(state.layer in run.layers)) {
    fill(page.step, [["", "none yet"]], "");
    const text = `No results for ${state.layer} yet. This command writes them; the page then shows them automatically:`;
    return showEmpty(text, command);
  }
  const query = { run: state.run, layer: state.layer, step: state.step ?? "" };
  try {
    const found = await ask("maps", state.method ? { ...query, method: state.method } : query);
    if (turn !== turns) return;
    const { earlier } = run.layers[state.layer];
    showSteps(state.step === null ? found.step : "newest results", earlier);
    showNote(currentRun(), state.step === null ? found.step : null); // `run` may be of an earlier list
    page.method.value = found.method;
    if (!found.maps.length) {
      const option = found.method === "control" ? "--control random" : `--method ${found.method}`;
      const hint = command ? "This command writes it:" : `Run the features command again with ${option}.`;
      return showEmpty(`These results have no projection by ${METHODS[found.method]}. ${hint}`, command);
    }
    const key = ORDERS[state.order][1];
    found.maps.sort((one, other) => key(one) - key(other));
    const chosen = found.maps.find(({ map }) => String(map) === state.map) ?? found.maps[0];
    showGrid(found, chosen, (map) => {
      turns++;
      state.map = String(map);
      writeAddress();
      showMap({ ...query, method: found.method, map }, command);
    });
  } catch (error) {
    if (turn !== turns) return;
    page.detail.replaceChildren();
    page.grid.replaceChildren(alertBox(error));
  }
}

/** Show the grid of maps; choose(number) shows one of them. */
function showGrid({ maps, channels }, chosen, choose) {
  const hovered = make("p", { class: "faint" }, HINT);
  const buttons = maps.map((map) => {
    const tile = map.tile ? picture(map.tile, "") : make("div", { class: "dead" }, "dead");
    const tell = () => (hovered.textContent = describe(map));
    const attributes = { type: "button", "data-map": map.map, "aria-label": describe(map) };
    return make("button", { ...attributes, onmouseenter: tell, onfocus: tell }, tile, String(map.map));
  });
  const group = chooser(`Feature maps of ${state.layer}`, buttons, (button) => {
    press(buttons, button);
    choose(button.dataset.map);
  });
  press(buttons, buttons[maps.indexOf(chosen)]);
  const count = channels > maps.length ? `${maps.length} of its ${channels} maps` : `its ${maps.length} maps`;
  page.grid.replaceChildren(make("h1", {}, `${state.layer}: ${count}`), hovered, group);
  choose(chosen.map);
}

async function showMap(query, command) {
  const turn = turns;
  try {
    const map = await ask("map", query);
    if (turn === turns) page.detail.replaceChildren(...describeMap(map, query, command));
  } catch (error) {
    if (turn === turns) page.detail.replaceChildren(alertBox(error));
  }
}

function build() {
  const select = (name, text, changed) => {
    page[name] = make("select", { id: name, onchange: () => changed(page[name].value) });
    return make("div", {}, make("label", { for: name }, text), page[name]);
  };
  const tab = (view) => make("button", { type: "button", role: "tab", onclick: () => change({ view }) }, VIEWS[view]);
  page.tabs = { digits: tab("digits"), own: tab("own") };
  page.own = new OwnPicture({ ask, page, showSteps, trainCommand: () => listing.train });
  page.note = make("div");
  page.grid = make("main", { id: "grid" }, make("p", { class: "faint" }, "Loading…"));
  page.detail = make("section", { id: "detail", "aria-label": "Chosen map" });
  const guide = { href: new URL("README.md", import.meta.url), target: "_blank" };
  const panel = make("aside", {},
    make("div", { class: "tabs", role: "tablist", "aria-label": "Images" }, ...Object.values(page.tabs)),
    page.own.pad.element,
    select("run", "Run", (run) => change({ run, step: null })),
    select("layer", "Layer", (layer) => change({ layer, step: null, map: null })),
    select("method", "Projection", (method) => change({ method })),
    select("step", "Step", (step) => change({ step: step || null })),
    select("order", "Order of the maps", (order) => change({ order })),
    page.note,
    make("p", {}, make("a", guide, "How to read these pictures")));
  document.body.replaceChildren(panel, page.grid, page.detail);
}

/** A list of runs as text, without the steps of checkpoints, which change every few seconds while a run is training. */
const outline = (found) => JSON.stringify(found, (name, value) => (name === "newest" ? value !== null : value));

/** Load the list of runs. If more than steps has changed, or TensorBoard answers again, show the page again. */
async function refresh() {
  let found;
  try {
    found = await ask("runs");
  } catch {
    lost = true;
    page.note.replaceChildren(emptyBox("TensorBoard does not answer: is it still running?"));
    return;
  }
  const changed = lost || outline(found) !== outline(listing);
  const newer = JSON.stringify(found) !== JSON.stringify(listing);
  [listing, lost] = [found, false];
  if (changed) show();
  else if (newer && state.view === "own") page.own.readAgain(currentRun());
  else if (newer) showNote(currentRun(), page.note.dataset.step ? Number(page.note.dataset.step) : null);
}

/** Called by TensorBoard once, in a frame of its own. */
export function render() {
  document.documentElement.lang = "en";
  document.head.append(make("link", { rel: "stylesheet", href: new URL("style.css", import.meta.url) }));
  followTheme();
  new MutationObserver(followTheme).observe(host.document.body, { attributeFilter: ["class"] });
  build();
  readAddress();
  host.addEventListener("hashchange", () => {
    if (!isShown()) return;
    readAddress();
    show();
  });
  refresh();
  host.addEventListener("focus", refresh);
  setInterval(() => document.visibilityState === "visible" && window.innerWidth && refresh(), POLL);
}
