// "Your own": show the maps, the answer and the projection of the chosen map for a drawing or a picture.

import { state, writeAddress } from "./address.js";
import { Follower } from "./follow.js";
import { alertBox, emptyBox, METHODS } from "./spots.js";
import { chooser, make, paint, percent, picture, press, short } from "./tiles.js";

const HINT = `Draw a digit on the black square, or drop a picture on it. All maps, the answer and the projection of the
  chosen map follow the drawing.`;
const WAITING = "Waiting for the answer. The first picture takes some seconds: TensorFlow is loaded.";

/** The view. `board` is {ask, page, trainCommand} of the dashboard; the picture is that of its pad. */
export class OwnPicture {
  constructor(board) {
    this.board = board;
    const { pad, detail } = board.page;
    this.follower = new Follower({
      pad, detail, waiting: WAITING, isShown: () => state.view === "own",
      send: (...request) => this.send(...request), fail: (error) => detail.replaceChildren(alertBox(error)),
    });
  }

  read(began) {
    this.follower.read(began);
  }

  /** Show the view for a run. */
  show(run) {
    const { page, trainCommand } = this.board;
    this.run = run;
    this.view = null;
    page.detail.replaceChildren();
    if (!run || run.newest === null) {
      const text = "This view needs the checkpoint of a training run. Train one first:";
      return page.grid.replaceChildren(emptyBox(text, trainCommand()));
    }
    this.showStep();
    if (page.pad.content) return this.read(performance.now());
    return page.grid.replaceChildren(emptyBox(HINT));
  }

  showStep() {
    this.board.page.step.show([["", this.run.newest.toLocaleString("en")]], "");
  }

  /** Send the picture again, for a newer checkpoint of the same run. */
  readAgain(run) {
    this.run = run;
    this.showStep();
    this.read(performance.now());
  }

  async send(file, isCurrent, began) {
    const query = { run: state.run, layer: state.layer, map: state.map ?? 0, method: state.method ?? "deconvnet" };
    const found = await this.board.ask("own", query, file);
    if (!isCurrent()) return;
    this.draw(found, query);
    const heading = this.board.page.detail.querySelector("h1").textContent;
    this.board.page.pad.status.textContent = `${heading}. Answer after ${Math.round(performance.now() - began)} ms.`;
  }

  draw(found, query) {
    this.view ??= this.makeView(found);
    for (const [layer, { tiles, activations, scale }] of Object.entries(found.layers)) {
      const { buttons, title } = this.view[layer];
      const rows = tiles.height / activations.length;
      title.textContent = `${layer}: its ${activations.length} maps, white is ${short(scale)}`;
      buttons.forEach((button, map) => {
        paint(button.firstChild, tiles, map * rows, rows);
        button.title = `map ${map}: strongest activation ${short(activations[map])}`;
      });
      press(buttons, layer === query.layer ? buttons[query.map] : null);
    }
    this.board.page.detail.replaceChildren(...this.describe(found, query));
  }

  /** The right column: the probabilities, the projection, and what the network reads. */
  describe(found, query) {
    const best = Math.max(...found.answers.map(([, share]) => share));
    const answers = found.answers.flatMap(([name, share]) => [
      make("b", { class: share === best && "best" }, name),
      make("i", { style: `width: ${100 * share}%` }),
      make("b", { class: share === best && "best" }, percent(share)),
    ]);
    const strongest = found.layers[query.layer].activations[query.map];
    const active = `All activations of the map in this picture; the strongest is ${short(strongest)}.
      Mid grey is 0; white and black are ±${short(found.scale)}.`;
    const figure = (tile, caption) =>
      make("figure", {}, picture(tile, caption, "large"), make("figcaption", {}, caption));
    return [
      make("h1", {}, `Read as ${found.answers.find(([, share]) => share === best)[0]} (${percent(best)})`),
      make("div", { class: "answers" }, ...answers),
      make("h2", {}, `Map ${query.map} of ${query.layer}, ${METHODS[query.method]}`),
      make("p", { class: "faint" }, strongest > 0 ? active : "This map is not active in this picture."),
      make("div", { class: "row" },
        figure(found.projection, "projection"),
        found.control ? figure(found.control, this.describeControl(found)) : null,
        figure(found.input, `what the network reads, ${found.preparation}`)),
    ];
  }

  /** The caption of the control: the same activations by the same method through a random kernel. */
  describeControl({ rank_correlation: correlation, control_scale: scale }) {
    if (correlation === null) return "control, through a random kernel: empty, nothing to compare";
    return `control, through a random kernel, ±${short(scale)}; rank correlation ${correlation.toFixed(2)} (1 alike, 0 unrelated)`;
  }

  /** The grids of all layers; returns the buttons and the heading of each. */
  makeView(found) {
    const view = {};
    const parts = Object.entries(found.layers).flatMap(([layer, { activations }]) => {
      const buttons = activations.map((_, map) => {
        const attributes = { type: "button", "data-map": map, "aria-label": `map ${map} of ${layer}` };
        return make("button", attributes, make("canvas"), String(map));
      });
      const title = make("h2");
      view[layer] = { buttons, title };
      const choose = (button) => {
        Object.assign(state, { layer, map: button.dataset.map });
        writeAddress();
        this.read(performance.now());
      };
      return [title, chooser(`Activations of ${layer}`, buttons, choose)];
    });
    this.board.page.grid.replaceChildren(make("h1", {}, "Activations of your picture"), ...parts);
    return view;
  }
}
