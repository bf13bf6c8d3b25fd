// The DECONVNET dashboard. TensorBoard loads this module into a frame of its page and calls render().

import { OwnPicture } from "./own.js";
import { chooser, framed, make, percent, picture, press, short } from "./tiles.js";

const METHODS = { deconvnet: "deconvnet", gradient: "gradient", guided: "guided backpropagation", control: "random kernel (control)" };
const ORDERS = {
  wins: ["most wins first", (map) => -map.wins],
  activation: ["strongest activation first", (map) => -(map.activation ?? -1)],
  number: ["by number", (map) => map.map],
};
const VIEWS = { digits: "Strongest images", own: "Your own" };
const PREFIX = "p.deconvnet."; // of our part of the address: #deconvnet&p.deconvnet.layer=conv2
const POLL = 5000; // milliseconds between looks for new results

const host = window.parent;
const DEFAULTS = { view: "digits", run: null, layer: null, method: null, order: "wins", map: null };
const state = { ...DEFAULTS };
const page = {}; // the elements that stay: selects, grid, detail
let listing = { runs: [] };
let turns = 0; // answers to requests of earlier turns are ignored

/** Ask a route of the server; throws an Error with the server's line and `status`. */
async function ask(route, query = {}, body = null) {
  const address = new URL(route, import.meta.url);
  address.search = new URLSearchParams(query);
  const answer = await fetch(address, body && { method: "POST", body });
  const found = await answer.json();
  if (!answer.ok) throw Object.assign(new Error(found.error), { status: answer.status });
  return found;
}

const addressParts = () => host.location.hash.slice(1).split("&");
const isOurs = (part) => part.startsWith(PREFIX);

/** Take over the state that the address holds. If it holds none, as after a visit to another tab, keep the old one. */
function readAddress() {
  const parts = addressParts().filter(isOurs);
  if (!parts.length) return;
  const hash = new URLSearchParams(parts.join("&"));
  for (const name of Object.keys(state)) state[name] = hash.get(PREFIX + name) ?? DEFAULTS[name];
}

function writeAddress() {
  const parts = addressParts().filter((part) => !isOurs(part));
  if (parts[0] !== "deconvnet") return;
  for (const [name, value] of Object.entries(state)) if (value !== null) parts.push(`${PREFIX}${name}=${encodeURIComponent(value)}`);
  host.history.replaceState(host.history.state, "", `#${parts.join("&")}`);
}

function followTheme() {
  const dark = host.document.body.classList.contains("dark-mode");
  document.documentElement.dataset.theme = dark ? "dark" : "light";
}

const currentRun = () => listing.runs.find((run) => run.name === state.run);
const usableRuns = () => listing.runs.filter((run) => state.view !== "own" || run.newest !== null);
const layersOf = (run) => [...new Set([...Object.keys(run.commands), ...Object.keys(run.layers)])];

/** A box that says what is missing, and the command that fills it. */
function emptyBox(text, command) {
  const copy = (event) => navigator.clipboard.writeText(command).then(() => (event.target.textContent = "Copied"));
  const line = command && make("div", { class: "command" }, make("code", {}, command), make("button", { type: "button", onclick: copy }, "Copy"));
  return make("div", { class: "empty", role: "status" }, make("p", {}, text), line || null);
}

/** Set the options of a select, as [value, text], and its value. */
function fill(select, options, value) {
  const texts = JSON.stringify(options);
  if (select.dataset.options !== texts) select.replaceChildren(...options.map(([value, text]) => make("option", { value }, text)));
  select.dataset.options = texts;
  select.value = value;
}

/** The step selector lists the steps that exist: one for each sheet, as `features` replaces the earlier one. */
function showStep(step) {
  const text = step === null ? "not recorded" : step.toLocaleString("en");
  fill(page.step, [[text, text]], text);
}

/** Replace what the address names and does not exist by something that does. */
function repairState() {
  if (!(state.view in VIEWS)) state.view = "digits";
  if (!(state.order in ORDERS)) state.order = "wins";
  const runs = usableRuns();
  if (!runs.includes(currentRun())) state.run = runs[0]?.name ?? null;
  const run = currentRun();
  if (!run) return;
  const layers = state.view === "own" ? Object.keys(run.commands) : layersOf(run);
  if (!layers.includes(state.layer)) state.layer = Object.keys(run.layers).reverse().find((name) => layers.includes(name)) ?? layers.at(-1) ?? null;
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
  page.own.pad.hidden = !own;
  page.note.textContent = "";
  writeAddress();
  if (own) page.own.show(run, state);
  else showMaps(run);
}

async function showMaps(run) {
  const turn = turns;
  if (!run) {
    page.detail.replaceChildren();
    const found = listing.logdir ? `No run in ${listing.logdir}. Train one first:` : "This dashboard needs the option --logdir.";
    return page.grid.replaceChildren(emptyBox(found, listing.logdir && listing.train));
  }
  const command = run.commands[state.layer];
  if (!(state.layer in run.layers)) {
    fill(page.step, [["", "none yet"]], "");
    page.detail.replaceChildren();
    return page.grid.replaceChildren(emptyBox(`No results for ${state.layer} yet. This command writes them; this page then shows them by itself:`, command));
  }
  const query = { run: state.run, layer: state.layer };
  try {
    const found = await ask("maps", state.method ? { ...query, method: state.method } : query);
    if (turn !== turns) return;
    showStep(found.step);
    fill(page.method, Object.entries(METHODS), found.method);
    if (run.newest !== null && found.step !== null && found.step !== run.newest) page.note.textContent = `The newest checkpoint is of step ${run.newest.toLocaleString("en")}. To show it: ${command}`;
    if (!found.maps.length) {
      page.detail.replaceChildren();
      const hint = command ? "This command writes it:" : found.method === "control" ? "Run the same features command again with --control random." : `Run the features command again with --method ${found.method}.`;
      return page.grid.replaceChildren(emptyBox(`These results have no projection by ${METHODS[found.method]}. ${hint}`, command));
    }
    const key = ORDERS[state.order][1];
    const maps = found.maps.sort((one, other) => key(one) - key(other));
    const chosen = maps.find(({ map }) => String(map) === state.map) ?? maps[0];
    state.map = String(chosen.map);
    writeAddress();
    showGrid(maps, chosen, found);
    await showMap({ ...query, method: found.method, map: state.map }, command);
  } catch (error) {
    if (turn !== turns) return;
    page.detail.replaceChildren();
    page.grid.replaceChildren(make("p", { role: "alert" }, error.message));
  }
}

const describe = (map) => (map.tile ? `map ${map.map}: strongest activation ${short(map.activation)}, wins ${percent(map.wins)}` : `map ${map.map}: dead, no image excites it`);

function showGrid(maps, chosen, found) {
  const hovered = make("p", { class: "faint" }, "Each map is drawn as the projection of its strongest activation. Click a map for its strongest images. A map wins a position where no other map of the layer is stronger.");
  const buttons = maps.map((map) => {
    const tile = map.tile ? picture(map.tile, "") : make("div", { class: "dead" }, "dead");
    const tell = () => (hovered.textContent = describe(map));
    return make("button", { type: "button", "data-map": map.map, "aria-label": describe(map), onmouseenter: tell, onfocus: tell }, tile, String(map.map));
  });
  const byMap = new Map(maps.map((map, at) => [map, buttons[at]]));
  const choose = (button) => {
    press(buttons, button);
    turns++;
    state.map = button.dataset.map;
    writeAddress();
    showMap({ run: state.run, layer: state.layer, method: found.method, map: state.map }, currentRun().commands[state.layer]);
  };
  const group = chooser(`Feature maps of ${state.layer}`, buttons, choose);
  press(buttons, byMap.get(chosen));
  const count = found.channels && found.channels > maps.length ? `${maps.length} of its ${found.channels} maps` : `its ${maps.length} maps`;
  page.grid.replaceChildren(make("h1", {}, `${state.layer}: ${count}`), hovered, group);
}

async function showMap(query, command) {
  const turn = turns;
  try {
    const map = await ask("map", query);
    if (turn === turns) page.detail.replaceChildren(...describeMap(map, query, command));
  } catch (error) {
    if (turn === turns) page.detail.replaceChildren(make("p", { role: "alert" }, error.message));
  }
}

/** The right column: a row for each spot of a map. */
function describeMap(map, query, command) {
  const title = make("h1", {}, `Map ${map.map} of ${query.layer}`);
  if (!map.spots.length) return [title, emptyBox("This map is dead: no image excites it.")];
  const control = map.control_scale !== null;
  let legend = `${describe(map)}. Mid grey is 0; white and black are ±${short(map.scale)}`;
  if (control) {
    const mean = map.spots.reduce((sum, spot) => sum + spot.rank_correlation, 0) / map.spots.length;
    legend += `, in the control ±${short(map.control_scale)}. Rank correlation of projection and control (1 alike, 0 unrelated): mean ${mean.toFixed(2)}`;
  }
  const heads = ["patch", METHODS[query.method], ...(control ? ["control (random)"] : []), "whole image", `${map.spots.length} strongest spots`];
  const rows = map.spots.map((spot, at) => describeSpot(spot, at + 1, control));
  const table = make("table", {}, make("tr", {}, ...heads.map((head) => make("th", { scope: "col" }, head))), ...rows);
  const missing = [];
  if (!map.spots[0].input) missing.push("images, classes and answers");
  if (!control && query.method !== "control") missing.push("control");
  const box = missing.length ? emptyBox(`These results have no ${missing.join(" and no ")}. ${command ? "This command writes them:" : "Run the features command again, with --control random."}`, command) : null;
  return [title, make("p", { class: "faint" }, `${legend}.`), ...(box ? [box] : []), table];
}

function describeSpot(spot, rank, control) {
  const cell = (tile, name) => make("td", {}, tile ? picture(tile, `${name} of spot ${rank}`) : "none");
  const lines = [`activation ${short(spot.activation)}`, `at row ${spot.place[0]}, column ${spot.place[1]}`, `image ${spot.image.toLocaleString("en")}${spot.label === null ? "" : `: ${spot.label}`}`];
  if (spot.answer) lines.push(`read as ${spot.answer[0]} (${percent(spot.answer[1])})${[null, spot.answer[0]].includes(spot.label) ? "" : ", wrong"}`);
  if (spot.rank_correlation !== null) lines.push(`rank correlation ${spot.rank_correlation.toFixed(2)}`);
  const text = make("td", {}, ...lines.flatMap((line) => [line, make("br")]));
  const whole = spot.input ? framed(spot.input, spot.frame, `whole image of spot ${rank} with a frame around its receptive field`) : "none";
  return make("tr", {}, cell(spot.patch, "patch"), cell(spot.projection, "projection"), ...(control ? [cell(spot.control, "control")] : []), make("td", {}, whole), text);
}

function build() {
  const select = (name, text, changed) => {
    page[name] = make("select", { id: name, onchange: () => changed(page[name].value) });
    return make("div", {}, make("label", { for: name }, text), page[name]);
  };
  page.tabs = {};
  for (const [view, text] of Object.entries(VIEWS)) page.tabs[view] = make("button", { type: "button", role: "tab", onclick: () => change({ view }) }, text);
  page.own = new OwnPicture({ ask, page, emptyBox, state, methods: METHODS, writeAddress, showStep, trainCommand: () => listing.train });
  page.note = make("p", { class: "faint", role: "status" });
  page.grid = make("main", { id: "grid" }, make("p", { class: "faint" }, "Loading…"));
  page.detail = make("section", { id: "detail", "aria-label": "Chosen map" });
  const panel = make("aside", {},
    make("div", { class: "tabs", role: "tablist", "aria-label": "Images" }, ...Object.values(page.tabs)),
    page.own.pad,
    select("run", "Run", (run) => change({ run })),
    select("layer", "Layer", (layer) => change({ layer, map: null })),
    select("method", "Projection", (method) => change({ method })),
    select("step", "Step", () => {}),
    select("order", "Order of the maps", (order) => change({ order })),
    page.note,
    make("p", {}, make("a", { href: new URL("README.md", import.meta.url), target: "_blank" }, "How to read these pictures")));
  document.body.replaceChildren(panel, page.grid, page.detail);
}

/** Load the list of runs; show the page again if it has changed. */
async function refresh() {
  try {
    const found = await ask("runs");
    if (JSON.stringify(found) === JSON.stringify(listing)) return;
    listing = found;
    show();
  } catch (error) {
    page.note.textContent = "TensorBoard does not answer: is it still running?";
  }
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
    if (addressParts()[0] !== "deconvnet") return;
    readAddress();
    show();
  });
  refresh();
  setInterval(() => document.visibilityState === "visible" && window.innerWidth && refresh(), POLL);
}
