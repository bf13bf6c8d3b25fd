// The DECONVNET dashboard. TensorBoard loads this module into a frame of its page and calls render().

import { host, isShown, readAddress, state, writeAddress } from "./address.js";
import { helpButton } from "./help.js";
import { chooseLayer, keepLayer, layersOf } from "./layers.js";
import { MapsView, ORDERS } from "./maps.js";
import { NetworkPicture, ORDERS as NETWORK_ORDERS } from "./network.js";
import { OwnPicture } from "./own.js";
import { Pad } from "./pad.js";
import { savePicture } from "./save.js";
import { ask } from "./server.js";
import { emptyBox, METHODS } from "./spots.js";
import { Steps } from "./steps.js";
import { fill, make } from "./tiles.js";

const VIEWS = { digits: "Strongest images", own: "Your own", network: "Your network" };
// What an address can name -> its name in a message. The views themselves look for the map.
const NAMES = {
  view: "view", run: "run", layer: "layer", method: "projection", step: "step", order: "order", beside: "comparison",
};
const OTHERS = { own: ["occlusion"], network: ["occlusion", "control"] }; // methods that a view does not have
const POLL = 5000; // milliseconds between requests for new results

const page = {}; // the permanent elements: selects, step, note, grid, detail
let listing = { runs: [], graph: null };
let stale = []; // what the address names, but the log does not have
let gone = null; // says that the run which was shown is no longer there
let loading = true; // whether the state comes from an address that was not yet compared with the log
let lost = false; // whether TensorBoard did not answer the last time

function followTheme() {
  const dark = host.document.body.classList.contains("dark-mode");
  document.documentElement.dataset.theme = dark ? "dark" : "light";
}

const findRun = (name) => listing.runs.find((run) => run.name === name);
const currentRun = () => findRun(state.run);
const usableRuns = () => listing.runs.filter((run) => state.view !== "own" || run.newest !== null);

/** Show a note if the results are older than the newest checkpoint. */
function showNote(run, step) {
  page.note.dataset.step = step ?? "";
  const old = run.newest !== null && step !== null && step !== run.newest && !(state.layer in run.recorded);
  const command = run.commands[state.layer];
  const hint = command ? "This command reads it:" : "Run the features command again, with the options in this layer's name.";
  const newest = old && `The newest checkpoint is of step ${run.newest.toLocaleString("en")}. ${hint}`;
  page.note.replaceChildren(...(old ? [emptyBox(newest, command)] : []));
}

/** Replace names in the address that do not exist by names that exist, and remember the former. */
function repairState() {
  const wanted = { ...state };
  if (loading) keepLayer();
  if (!(state.view in VIEWS) || (state.view === "network" && !listing.graph)) state.view = "digits";
  // Without a run, the graph of --graph is all that there is to show.
  if (!listing.runs.length && listing.graph && wanted.run === null) state.view = "network";
  if (!(state.order in ORDERS)) state.order = "wins";
  if (state.method !== null && !(state.method in METHODS)) state.method = null;
  const runs = usableRuns();
  if (!runs.includes(currentRun())) state.run = runs[0]?.name ?? null;
  if (state.view === "network") repairGraph();
  else repairRun(currentRun());
  const lost = (name) => wanted[name] !== null && wanted[name] !== state[name] && !(name === "step" && state.view === "own");
  if (loading) stale = Object.keys(NAMES).filter(lost).map((name) => `the ${NAMES[name]} ${wanted[name]}`);
  loading = false;
}

/** Say that the address names something, such as "the map 500", that there is not. */
function tellLost(name) {
  stale = [...stale, name];
  showStale();
}

function showStale() {
  const missing = stale.length ? `The address names ${stale.join(" and ")}, which this log does not have.` : null;
  page.stale.replaceChildren(...[gone, missing].filter(Boolean).map((text) => emptyBox(text)));
}

function repairGraph() {
  const layers = listing.graph.layers.map(({ label }) => label);
  if (!layers.includes(state.layer)) Object.assign(state, { layer: layers[0], map: null, page: null });
  state.step = null;
}

function repairRun(run) {
  if (!run) return;
  chooseLayer(run);
  const known = run.layers[state.layer]?.earlier.includes(Number(state.step ?? NaN));
  if (state.view === "own" || !known) state.step = null;
  if (!besides(run).some(([key]) => key === state.beside)) state.beside = null;
}

/** Change the state, then show it; resolves once it is drawn. */
function change(values) {
  if ("layer" in values) keepLayer();
  [stale, gone] = [[], null];
  Object.assign(state, values);
  return show();
}

/** What can stand beside the chosen map: the other steps, STEP@RUN, and the other runs with this layer, @RUN; [key, text]. */
function besides(run) {
  const { earlier, newest } = run.layers[state.layer] ?? { earlier: [] };
  const steps = ["", ...earlier].map((step) => [`${step}@${run.name}`, step === "" ? "newest results" : `step ${step.toLocaleString("en")}`]);
  const others = listing.runs.filter((one) => one !== run && state.layer in one.layers);
  const shown = [state.step ?? "", newest].map((step) => `${step}@${run.name}`); // the newest results are offered as ""
  const offered = steps.filter(([key]) => !shown.includes(key) || key === state.beside);
  return [["", "nothing"], ...(earlier.length ? offered : []), ...others.map(({ name, title }) => [`@${name}`, title])];
}

function show() {
  page.maps.turn++; // the answers to earlier requests are too late
  repairState();
  const run = currentRun();
  fill(page.run, usableRuns().map(({ name, title }) => [name, title]), state.run);
  const network = state.view === "network";
  const layers = network ? listing.graph.layers.map(({ label }) => label) : run ? layersOf(run) : [];
  fill(page.layer, layers.map((name) => [name, name]), state.layer);
  const method = state.method ?? (network ? listing.graph.method : "deconvnet");
  const methods = Object.entries(METHODS).filter(([name]) => !OTHERS[state.view]?.includes(name));
  fill(page.method, methods, methods.some(([name]) => name === method) ? method : methods[0][0]);
  const orders = network ? NETWORK_ORDERS : Object.fromEntries(Object.entries(ORDERS).map(([name, [text]]) => [name, text]));
  fill(page.order, Object.entries(orders), state.order in orders ? state.order : "activation");
  const others = run ? besides(run) : [["", "nothing"]];
  fill(page.beside, others, state.beside ?? "");
  for (const [view, tab] of Object.entries(page.tabs)) tab.setAttribute("aria-selected", view === state.view);
  const own = state.view === "own";
  page.tabs.network.hidden = !listing.graph;
  for (const name of ["layer", "order"]) page[name].parentElement.hidden = own;
  page.run.parentElement.hidden = page.step.element.hidden = network;
  page.beside.parentElement.hidden = own || network || others.length < 2;
  page.pad.element.hidden = !own && !network;
  page.pad.showKind(network, network && page.network.signals());
  page.grid.classList.toggle("own", own);
  page.note.replaceChildren();
  showStale();
  writeAddress();
  if (network) return page.network.show();
  if (own) return page.own.show(run);
  if (run) return page.maps.show(run);
  return showEmpty(`No run in ${listing.logdir || "the log: --logdir is missing"}. Train one:`, listing.train);
}

/** Show what is missing, and the command that writes it, instead of maps. */
function showEmpty(text, command) {
  page.detail.replaceChildren();
  page.grid.replaceChildren(emptyBox(text, command));
}

/** Save the grid and the chosen map as a picture. */
async function save() {
  const step = page.step.steps[page.step.at]?.[1] ?? "none";
  const parts = state.view === "own" ? ["your own picture"] : [state.layer, METHODS[page.method.value]];
  const network = state.view === "network";
  const source = network ? listing.graph.title : `${listing.logdir}, run ${currentRun()?.title ?? "none"}`;
  const caption = [source, ...parts, ...(network ? [] : [`step ${step}`])].join(" · ");
  await savePicture([page.grid, page.detail], caption, ["deconvnet", ...parts, ...(network ? [] : [step.replaceAll(",", "")])].join("-"));
}

function build() {
  const select = (name, text, changed) => {
    page[name] = make("select", { id: name, onchange: () => changed(page[name].value) });
    return make("div", {}, make("label", { for: name }, text), page[name]);
  };
  const tab = (view) => make("button", { type: "button", role: "tab", onclick: () => change({ view }) }, VIEWS[view]);
  page.tabs = { digits: tab("digits"), own: tab("own"), network: tab("network") };
  const chooseStep = (step) => change({ step: step || null });
  page.step = new Steps(chooseStep);
  page.maps = new MapsView({ page, currentRun, findRun, showEmpty, showNote, chooseStep, tellLost });
  page.note = make("div");
  page.stale = make("div");
  page.grid = make("main", { id: "grid" }, make("p", { class: "faint" }, "Loading…"));
  page.detail = make("section", { id: "detail", "aria-label": "Chosen map" });
  page.pad = new Pad((began) => page[state.view]?.read(began), show);
  page.own = new OwnPicture({ ask, page, tellLost, trainCommand: () => listing.train });
  page.network = new NetworkPicture({ ask, page, tellLost, graph: () => listing.graph });
  const panel = make("aside", {},
    make("div", { class: "tabs", role: "tablist", "aria-label": "Images" }, ...Object.values(page.tabs)),
    page.pad.element,
    make("div", { class: "controls" },
      select("run", "Run", (run) => change({ run, step: null })),
      select("layer", "Layer", (layer) => change({ layer, step: null, map: null, page: null })),
      select("method", "Projection", (method) => change({ method })),
      page.step.element,
      select("order", "Order of the maps", (order) => change({ order, page: null })),
      select("beside", "Beside the chosen map", (beside) => change({ beside: beside || null }))),
    page.stale,
    page.note,
    make("div", { class: "row" },
      make("button", { type: "button", id: "save", onclick: save }, "Save as PNG"), helpButton()));
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
  const shown = currentRun();
  [listing, lost] = [found, false];
  if (shown && !usableRuns().includes(currentRun())) {
    const other = usableRuns().length ? " Another run is shown." : "";
    gone = `The run ${shown.title} ${currentRun() ? "no longer has a checkpoint" : "is no longer in the log"}.${other}`;
  }
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
    loading = true;
    readAddress();
    show();
  });
  refresh();
  host.addEventListener("focus", refresh);
  setInterval(() => document.visibilityState === "visible" && window.innerWidth && refresh(), POLL);
}
