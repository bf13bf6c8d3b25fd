// "Strongest images": the grid of maps, the chosen map with its film strip, and another step or run beside it.

import { state, writeAddress } from "./address.js";
import { askOnce } from "./server.js";
import { alertBox, compare, describe, describeMap, emptyBox, METHODS } from "./spots.js";
import { FilmStrip } from "./strip.js";
import { chooser, make, picture, press } from "./tiles.js";

export const ORDERS = {
  wins: ["most wins first", (map) => (map.tile ? -map.wins : 1)],
  activation: ["strongest activation first", (map) => -(map.activation ?? -1)],
  number: ["by number", (map) => map.map],
};
const HINT = "Each map is drawn as the projection of its strongest activation. Click a map for its strongest";
const SPOTS = "images. A map wins a position where no other map of the layer is stronger.";
const RECORDED = "image at each step."; // `train` records one spot a map, and no wins
const ordinal = (number) => number.toLocaleString("en");

/** The view. `board` is {page, currentRun, findRun, showEmpty, showNote, chooseStep, tellLost} of the dashboard. */
export class MapsView {
  constructor(board) {
    this.board = board;
    this.turn = 0; // increases with every change; answers to requests of earlier turns are ignored
    this.strip = new FilmStrip((step) => board.chooseStep(step));
  }

  /** Show the maps of the layer, the step and the projection in `state`; resolves once they are drawn. */
  async show(run) {
    const turn = ++this.turn;
    const { page } = this.board;
    const command = run.commands[state.layer];
    if (!(state.layer in run.layers)) {
      page.step.show([], "");
      const recorded = Object.keys(run.recorded).find((name) => name.startsWith(`${state.layer}-`) && name in run.layers);
      const other = recorded ? ` The layer ${recorded} shows what train recorded.` : "";
      const text = `No results for ${state.layer} yet.${other} This command writes them; the page then shows them automatically:`;
      return this.board.showEmpty(text, command);
    }
    try {
      const [query, found] = await this.loadMaps(run, state.step ?? "");
      if (turn !== this.turn) return;
      this.showSteps(run, found);
      page.method.value = found.method;
      if (!found.maps.length) return this.showMissing(found, command, run.recorded[state.layer]);
      this.showOrder(found);
      const maps = this.inOrder(found);
      const named = maps.find(({ map }) => String(map) === state.map);
      if (state.map !== null && !named) {
        this.board.tellLost(`the map ${state.map}`);
        state.map = null;
      }
      const chosen = named ?? maps[0];
      const detail = await this.loadDetail(run, { ...query, method: found.method, map: chosen.map });
      if (turn !== this.turn) return;
      this.showGrid(maps, found.channels, chosen, (map) => this.choose(run, { ...query, method: found.method, map }));
      this.showDetail(run, detail);
      this.prefetch(run, found, chosen.map);
    } catch (error) {
      if (turn !== this.turn) return;
      page.detail.replaceChildren();
      page.grid.replaceChildren(alertBox(error));
    }
  }

  async loadMaps(run, step, method = state.method) {
    const query = { run: run.name, layer: state.layer, step };
    const version = run.layers[state.layer].changed[step];
    return [query, await askOnce("maps", method ? { ...query, method } : query, version)];
  }

  /** The chosen map, what stands beside it, and the errors of both as texts. */
  async loadDetail(run, query) {
    const load = (route, what, of) => askOnce(route, what, of.layers[query.layer]?.changed[what.step]);
    const other = this.otherQuery(query);
    const map = load("map", query, run).catch((error) => ({ error }));
    const beside = other && load("map", other, this.board.findRun(other.run)).catch((error) => ({ error }));
    return { query, other, map: await map, beside: await beside };
  }

  /** The query of the results beside the chosen map. Another run is shown at the same step, if it has results of it. */
  otherQuery(query) {
    if (state.beside === null) return null;
    const [, step, run] = state.beside.match(/^(\d*)@(.*)$/) ?? [];
    const results = this.board.findRun(run)?.layers[query.layer];
    if (!results) return null;
    const shown = query.step || String(this.newest?.step);
    const same = results.earlier.includes(Number(shown)) ? shown : "";
    return { ...query, run, step: run === query.run ? step : same };
  }

  /** Steps ascending. The newest results are the key "", at the place of their step. */
  showSteps(run, found) {
    const { changed, earlier, newest: named } = run.layers[state.layer];
    if (state.step === null) this.newest = { run: run.name, layer: state.layer, time: changed[""], step: found.step };
    const { newest } = this;
    const isSame = newest?.run === run.name && newest.layer === state.layer && newest.time === changed[""];
    const known = named ?? (isSame ? newest.step : undefined);
    const steps = earlier.filter((step) => step !== known || String(step) === state.step).map((step) => [String(step), step]);
    if (!steps.some(([, step]) => step === known)) steps.push(["", known ?? Infinity]);
    steps.sort(([, one], [, other]) => one - other);
    const text = (step) => (step !== Infinity ? ordinal(step) : known === null ? "not recorded" : "newest results");
    this.board.page.step.show(steps.map(([key, step]) => [key, text(step)]), state.step ?? "");
    this.board.showNote(this.board.currentRun(), state.step === null ? found.step : null);
  }

  /** Results that `train` recorded have no wins: such maps cannot be sorted by them. */
  showOrder({ maps: [{ wins }] }) {
    const { order } = this.board.page;
    order.querySelector("[value=wins]").disabled = wins === null;
    order.value = wins === null && state.order === "wins" ? "number" : state.order;
  }

  /** The maps in the order that is shown. While only the step changes, every map keeps its place. */
  inOrder(found) {
    const order = this.board.page.order.value;
    const kind = JSON.stringify([state.run, state.layer, order]);
    const key = ORDERS[order][1];
    if (this.order?.kind !== kind) {
      const numbers = [...found.maps].sort((one, other) => key(one) - key(other)).map(({ map }) => map);
      this.order = { kind, places: new Map(numbers.map((map, place) => [map, place])) };
    }
    const { places } = this.order;
    return [...found.maps].sort((one, other) => (places.get(one.map) ?? 1e9) - (places.get(other.map) ?? 1e9));
  }

  showMissing({ method }, command, recorded) {
    const option = method === "control" ? "--control random" : `--method ${method}`;
    const hint = recorded ? "This command writes results that have it:" : command ? "This command writes it:" : `Run the features command again with ${option}.`;
    this.board.showEmpty(`These results have no projection by ${METHODS[method]}. ${hint}`, recorded ?? command);
  }

  /** Show the grid of maps; choose(number) shows one of them. */
  showGrid(maps, channels, chosen, choose) {
    const { grid } = this.board.page;
    const focused = grid.contains(document.activeElement);
    const hovered = make("p", { class: "faint" }, `${HINT} ${chosen.wins === null ? RECORDED : SPOTS}`);
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
    const at = maps.indexOf(chosen);
    press(buttons, buttons[at]);
    const count = channels > maps.length ? `${maps.length} of its ${channels} maps` : `its ${maps.length} maps`;
    const scrolled = grid.scrollTop;
    grid.replaceChildren(make("h1", {}, `${state.layer}: ${count}`), hovered, group);
    grid.scrollTop = scrolled;
    if (focused) buttons[at].focus({ preventScroll: true });
  }

  /** After a click on a map. */
  async choose(run, query) {
    const turn = ++this.turn;
    state.map = String(query.map);
    writeAddress();
    const detail = await this.loadDetail(run, query);
    if (turn === this.turn) this.showDetail(run, detail);
    if (matchMedia("(max-width: 960px)").matches) this.board.page.grid.scrollIntoView({ block: "start" });
  }

  /** Show the chosen map around its film strip, which stays on the page. */
  showDetail(run, { query, other, map, beside }) {
    const { detail } = this.board.page;
    const { element } = this.strip;
    const body = map.error ? [alertBox(map.error)] : describeMap(map, query, run.commands[query.layer], run.recorded[query.layer]);
    const [title, ...rest] = body;
    const pair = other && !map.error ? [compare([map, beside], [this.name(query, map), this.name(other, beside)])] : null;
    const isOpen = detail.querySelector("details")?.open;
    if (element.parentElement !== detail) {
      detail.replaceChildren(element);
      this.strip.marked = null; // an element that is put back is scrolled to its begin
    }
    for (const old of [...detail.children]) if (old !== element) old.remove();
    element.before(title);
    element.after(...(pair ?? rest));
    if (isOpen) detail.querySelector("details")?.setAttribute("open", "");
    this.strip.show(query, run.layers[query.layer]);
  }

  name({ run, step }, map) {
    const known = map.step ?? (step === "" ? null : Number(step));
    return `${this.board.findRun(run).title}, ${known === null ? "newest results" : `step ${ordinal(known)}`}`;
  }

  /** Ask for the steps before and after this one, so that they are shown at once. */
  prefetch(run, { method }, map) {
    const { steps, at } = this.board.page.step;
    for (const [step] of [steps[at + 1], steps[at - 1]].filter(Boolean)) {
      const ready = this.loadMaps(run, step).then(([query]) => this.loadDetail(run, { ...query, method, map }));
      ready.catch(() => {}); // shown when the step is chosen
    }
  }
}
