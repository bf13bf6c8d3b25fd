// "Your own": show the maps, the probabilities and the projection of the chosen map for a drawing or a picture.

import { state, writeAddress } from "./address.js";
import { Follower } from "./follow.js";
import { alertBox, emptyBox, METHODS } from "./spots.js";
import { chooser, make, paint, percent, picture, press, short } from "./tiles.js";

const HINT = `Draw a digit on the black square, or drop a picture on it. The maps, the probabilities and the projection of
  the chosen map are updated while you draw.`;
const WAITING = "Waiting for the answer. The first picture takes some seconds, because TensorFlow is loaded.";

/** The view. `board` is {ask, page, tellLost, trainCommand} of the dashboard; the picture is that of its pad. */
export class OwnPicture {
  constructor(board) {
    this.board = board;
    this.heat = make("figure", { id: "heat" }); // stays until the next answer, so that it does not flicker
    const { pad, detail } = board.page;
    this.follower = new Follower({
      pad, detail, waiting: WAITING, isShown: () => state.view === "own",
      send: (...request) => this.send(...request),
      cover: (file, detail) => board.ask("heat", { run: state.run, detail }, file),
      showCover: (found) => this.heat.replaceChildren(...describeHeat(found)), fail: (error) => detail.replaceChildren(alertBox(error)),
      tellLost: board.tellLost,
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
    this.heat.replaceChildren();
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
    const method = this.board.page.method.value;
    const query = { run: state.run, layer: state.layer, map: state.map ?? 0, method };
    const found = await this.board.ask("own", query, file);
    if (!isCurrent()) return null;
    this.draw(found, query);
    const heading = this.board.page.detail.querySelector("h1").textContent;
    this.board.page.pad.status.textContent = `${heading}. Answer after ${Math.round(performance.now() - began)} ms.`;
    return found;
  }

  draw(found, query) {
    this.view ??= this.makeView(found);
    for (const [layer, { tiles, numbers, activations, scale, signed }] of Object.entries(found.layers)) {
      const { buttons, title } = this.view[layer];
      const rows = tiles.height / numbers.length;
      const count = activations.length.toLocaleString("en");
      const which = numbers.length < activations.length ? `the ${numbers.length} strongest of its ${count} units` : `its ${count} ${rows > 1 ? "maps" : "units"}`;
      title.textContent = `${layer}: ${which}, ${signed ? `mid grey is 0, white ${short(scale)}` : `white is ${short(scale)}`}`;
      buttons.forEach((button, at) => {
        const map = numbers[at];
        paint(button.firstChild, tiles, at * rows, rows);
        button.lastChild.textContent = map;
        button.dataset.map = map;
        button.title = `map ${map}: strongest activation ${short(activations[map])}`;
        button.setAttribute("aria-label", `map ${map} of ${layer}`);
      });
      press(buttons, layer === query.layer ? buttons[numbers.indexOf(Number(query.map))] ?? null : null);
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
    const { activations, signed } = found.layers[query.layer];
    const strongest = activations[query.map];
    const active = `All activations of the map in this picture; the strongest is ${short(strongest)}.
      Mid grey is 0; white and black are ±${short(found.scale)}.`;
    const figure = (tile, caption) =>
      make("figure", {}, picture(tile, caption, "large"), make("figcaption", {}, caption));
    return [
      make("h1", {}, `Read as ${found.answers.find(([, share]) => share === best)[0]} (${percent(best)})`),
      make("div", { class: "read" }, make("div", { class: "answers" }, ...answers), this.heat),
      make("h2", {}, `Map ${query.map} of ${query.layer}, ${METHODS[query.method]}`),
      make("p", { class: "faint" }, strongest > 0 || signed ? active : "This map is not active in this picture."),
      make("div", { class: "row" },
        figure(found.projection, "projection"),
        found.control ? figure(found.control, this.describeControl(found)) : null,
        figure(found.input, `input of the network, ${found.preparation}`)),
    ];
  }

  /** The caption of the control: the same activations by the same method through a random kernel. */
  describeControl({ rank_correlation: correlation, control_scale: scale }) {
    if (correlation === null) return "control, through a random kernel: empty and not compared";
    return `control, through a random kernel, ±${short(scale)}; rank correlation ${correlation.toFixed(2)} (1 alike, 0 unrelated)`;
  }

  /** The grids of all layers; returns the buttons and the heading of each. */
  makeView(found) {
    const view = {};
    const parts = Object.entries(found.layers).flatMap(([layer, { numbers }]) => {
      const buttons = numbers.map(() => make("button", { type: "button" }, make("canvas"), make("span")));
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

/** The heat map of the predicted class: where covering lowers its probability, and where it changes the prediction. */
function describeHeat({ read, heat, scale, largest, others, patch }) {
  const label = `the pixels that the network needs to predict ${read}`;
  const lines = [`White: covering with a black patch of ${patch} x ${patch} pixels lowers the probability of ${read}, by up to ${short(100 * Math.max(0, largest))} %. Black: covering raises it. White and black are ±${short(100 * scale)} %.`];
  if (scale < 0.01) lines.unshift("Covering hardly changes the probability.");  // the picture has full contrast all the same
  if (others.length) lines.push(`Orange: covering changes the prediction to ${others.map(([name, share]) => `${name} (${percent(share)} of the pixels)`).join(", ")}.`);
  return [picture(heat, label, "large"), make("figcaption", {}, lines.join(" "))];
}
