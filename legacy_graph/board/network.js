// "Your network": the maps of a layer of the graph of --graph for a photo, one map's projection, and the logits.

import { state, writeAddress } from "./address.js";
import { Follower } from "./follow.js";
import { alertBox, describeScale, emptyBox, METHODS } from "./spots.js";
import { chooser, framed, make, paint, percent, picture, press, short } from "./tiles.js";

export const ORDERS = { activation: "strongest activation first", number: "by number" };
const SHOWN = "The page then shows the maps of the layer, the values of the last layer and the projection of the chosen map.";
const WAITING = "Waiting for the answer. The first picture of each layer takes some seconds, because the layer is loaded.";

/** The view. `board` is {ask, page, tellLost, graph} of the dashboard; graph() is {title, layers, method}. */
export class NetworkPicture {
  constructor(board) {
    this.board = board;
    this.heat = make("figure", { id: "heat" }); // stays until the next answer, so that it does not flicker
    const { pad, detail } = board.page;
    this.follower = new Follower({
      pad, detail, waiting: WAITING, isShown: () => state.view === "network",
      send: (...request) => this.send(...request),
      cover: (file, detail, query) => board.ask("occlusion", { ...query, detail }, file),
      showCover: (found) => this.showCover(found), fail: (error) => detail.replaceChildren(alertBox(error)),
      tellLost: board.tellLost,
    });
  }

  /** Show the view for the layer, map, page and projection in `state`. */
  show() {
    const { page } = this.board;
    if (page.pad.content && !this.isUnsuitable()) return this.read(performance.now());
    page.detail.replaceChildren();
    page.grid.replaceChildren(make("h1", {}, this.title()), emptyBox(this.hint()));
  }

  read(began) {
    if (this.board.graph() && !this.isUnsuitable()) this.follower.read(began);
  }

  title() {
    return `${state.layer} of ${this.board.graph().title}`;
  }

  /** Whether the graph takes signals: images of one row. */
  signals() {
    return this.board.graph().input[0] === 1;
  }

  /** Whether the pad has a drawing, such as that of "Your own", but the graph takes signals. */
  isUnsuitable() {
    return this.signals() && this.board.page.pad.isDrawn();
  }

  hint() {
    const { input, pictures } = this.board.graph();
    const row = pictures ? " Of a picture, the row in the middle is read." : "";
    const signals = `an .npy or .npz file with one array of ${input.join(" x ")} values, or of several such signals.${row}`;
    return `Drop ${this.signals() ? `a signal on the page, or choose it: ${signals}` : "a photo on the page, choose a photo, or draw."} ${SHOWN}`;
  }

  /** The class of the pictures in the right column. */
  large() {
    return this.signals() ? "large curve" : "large";
  }

  async send(file, isCurrent, began) {
    const { layer, map, page } = state;
    if (file !== this.file) [this.file, this.image] = [file, 0];
    const query = { layer, map: map ?? "", image: this.image, method: this.board.page.method.value, page: page ?? 0, order: state.order in ORDERS ? state.order : "activation" };
    const found = await this.board.ask("network", query, file);
    if (!isCurrent() || layer !== state.layer) return null;
    this.showMethods(found);
    this.drawMaps(found);
    this.board.page.detail.replaceChildren(...this.describe(found, layer));
    this.board.page.pad.status.textContent = `Answer after ${Math.round(performance.now() - began)} ms.`;
    this.heat.replaceChildren();
    return found.activation === null ? null : { ...query, map: found.map };
  }

  showCover({ heat, scale, about }) {
    const text = this.signals() ? `black: how far covering lowers the activation, up to ±${short(scale)}, with 0 in the middle`
      : `white: covering lowers the activation, by up to ${short(scale)}`;
    this.heat.replaceChildren(picture(heat, "occlusion", this.large()), make("figcaption", {}, `${text}; in the whole receptive field. ${about}`));
  }

  /** Only the methods that are defined for the layer can be chosen. */
  showMethods({ method, methods }) {
    for (const option of this.board.page.method.options) option.disabled = !methods.includes(option.value);
    this.board.page.method.value = method;
  }

  drawMaps(found) {
    const { grid } = this.board.page;
    const { id, dataset } = grid.contains(document.activeElement) ? document.activeElement : document.body;
    const rows = found.tiles.height / found.numbers.length;
    const kind = found.curves ? "wide shrunk" : null;
    const buttons = found.numbers.map((map, at) => {
      const text = `map ${map}: strongest activation ${short(found.activations[at])}`;
      const canvas = paint(make("canvas", { class: kind }), found.tiles, at * rows, rows);
      return make("button", { type: "button", "data-map": map, title: text, "aria-label": text }, canvas, String(map));
    });
    const group = chooser(`Activations of ${state.layer}`, buttons, (button) => this.change({ map: button.dataset.map }));
    const pressed = buttons.find((button) => Number(button.dataset.map) === found.map);
    press(buttons, pressed ?? null);
    const count = this.board.graph().layers.find(({ label }) => label === state.layer).shape[2];
    const legend = make("p", { class: "faint" }, `Its ${count} maps for this ${this.signals() ? "signal" : "picture"}; ${mapsScale(found)}.`);
    grid.replaceChildren(make("h1", {}, this.title()), legend, ...this.pagers(found), group);
    if (dataset.map) (buttons.find((button) => button.dataset.map === dataset.map) ?? buttons[0]).focus({ preventScroll: true });
    if (id) document.getElementById(id)?.focus({ preventScroll: true });
  }

  /** The buttons for the images of a file with several, and for the pages of a large layer. */
  pagers({ images, pages }) {
    const showImage = (image) => {
      this.image = image;
      this.read(performance.now());
    };
    return [
      ...pager("images", this.signals() ? "signal" : "image", this.image, images, showImage),
      ...pager("pager", "page", Number(state.page ?? 0), pages, (page) => this.change({ page: String(page) })),
    ];
  }

  change(values) {
    Object.assign(state, values);
    writeAddress();
    this.read(performance.now());
  }

  /** The right column: the last layer's largest values, and the strongest spot of the chosen map. */
  describe(found, layer) {
    const [row, column] = found.place;
    const signals = found.drawn === "curve";
    const dead = `This map is not active in this ${signals ? "signal" : "picture"}.`;
    const magnitude = found.drawn === "magnitude";
    let scale = magnitude ? `black is 0, white is ${short(found.scale)}` : `mid grey is 0, white and black are ±${short(found.scale)}`;
    if (signals) scale = describeScale({ ...found, scale: [found.scale] }, found.method);
    const active = `Its strongest activation is ${short(found.activation ?? 0)}, at row ${row}, column ${column}. This spot
      alone is projected${signals ? "." : ";"} ${scale}.`;
    const sides = signals ? found.sides[1] : found.sides.join(" x ");
    const field = found.widened ? `the receptive field and the pixels around it, ${sides} pixels` : "the receptive field";
    const part = found.energy === null ? field : `a part of ${sides} pixels, with ${percent(found.energy)} of the projection's energy`;
    const figure = (canvas, caption) => make("figure", {}, canvas, make("figcaption", {}, caption));
    const notes = make("ul", {}, ...found.notes.map((note) => make("li", {}, note)));
    return [
      ...describeLogits(found.logits),
      make("h2", {}, `Map ${found.map} of ${layer}, ${METHODS[found.method]}`),
      make("p", { class: "faint" }, found.activation === null ? dead : active),
      make("div", { class: "row" },
        figure(picture(found.projection, "projection", this.large()), `${magnitude ? "magnitude of the projection" : "projection"} of the spot, in ${part}`),
        found.patch && figure(picture(found.patch, "patch", "large"), `patch: the picture there${magnitude ? ", darker where the projection is small" : ""}`),
        this.heat,
        figure(framed(found.input, found.frame, `the ${signals ? "signal" : "picture"} with a frame around ${part}`, this.large()),
          `input of the network, with a frame around this part: ${found.preparation}`)),
      found.notes.length ? make("details", {}, make("summary", {}, "Notes on this graph"), notes) : "",
    ];
  }
}

/** The buttons that turn to the one before and to the next; [] if there is only one. */
function pager(id, kind, at, count, show) {
  if (count < 2) return [];
  const turn = (text, next) => {
    const disabled = next < 0 || next >= count;
    return make("button", { type: "button", id: `${id}-${next < at ? "back" : "next"}`, disabled, onclick: () => show(next) }, text);
  };
  const text = make("span", { role: "status" }, `${kind} ${at + 1} of ${count}`);
  return [make("div", { class: "row", id }, turn("‹ Back", at - 1), text, turn("Next ›", at + 1))];
}

/** What the greys of the maps mean, or the height of their curves. */
function mapsScale({ curves, signed, maps_scale: scale }) {
  if (curves) return signed ? `0 is in the middle, the edges are ±${short(scale)}` : `the lower edge is 0, the upper edge ${short(scale)} or more`;
  return signed ? `mid grey is 0, white and black are ±${short(scale)}` : `white is ${short(scale)} or more`;
}

/** The largest values of the last layer, with bars; they are shown as they are, without a softmax. */
function describeLogits(logits) {
  if (!logits) return [];
  const largest = Math.max(...logits.map(([, value]) => value));
  const rows = logits.flatMap(([name, value], at) => [
    make("b", { class: !at && "best" }, name),
    make("i", { style: `width: ${value > 0 ? (100 * value) / largest : 0}%` }),
    make("b", { class: !at && "best" }, short(value)),
  ]);
  return [make("h1", {}, `Largest output: ${logits[0][0]} (${short(logits[0][1])})`), make("div", { class: "answers" }, ...rows)];
}
