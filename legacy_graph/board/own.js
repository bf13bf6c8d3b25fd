// "Your own": draw or drop a picture; the maps, the answer and the projection of the chosen map follow.

import { chooser, make, paint, percent, picture, press, short } from "./tiles.js";

const SIDE = 280; // pixels of the canvas
const PEN = 22; // pixels

/** The pad and the view. `board` holds what the dashboard shares: ask, page, emptyBox, state, methods and more. */
export class OwnPicture {
  constructor(board) {
    this.board = board;
    this.content = null; // the dropped file, or the canvas; null if there is nothing to read
    this.canvas = make("canvas", { class: "pad", width: SIDE, height: SIDE, role: "img", "aria-label": "Drawing area for a digit" });
    this.status = make("p", { class: "faint", role: "status" });
    const choose = make("input", { type: "file", accept: "image/*", hidden: true, onchange: () => this.open(choose.files[0]) });
    this.pad = make("div", {}, this.canvas,
      make("div", { class: "row" },
        make("button", { type: "button", onclick: () => this.clear() }, "Clear"),
        make("button", { type: "button", onclick: () => choose.click() }, "Choose a picture…"), choose),
      this.status);
    this.pen = this.canvas.getContext("2d");
    Object.assign(this.pen, { lineWidth: PEN, lineCap: "round", lineJoin: "round", strokeStyle: "#fff", fillStyle: "#000" });
    this.listen();
    this.clear();
  }

  listen() {
    const canvas = this.canvas;
    let last = null;
    const at = (event) => {
      const box = canvas.getBoundingClientRect();
      return [((event.clientX - box.left) * SIDE) / box.width, ((event.clientY - box.top) * SIDE) / box.height];
    };
    const draw = (event) => {
      if (!last) return;
      this.pen.beginPath();
      this.pen.moveTo(...last);
      for (const point of [...(event.getCoalescedEvents?.() ?? []), event]) this.pen.lineTo(...(last = at(point)));
      this.pen.lineTo(last[0] + 0.01, last[1]); // a line without length is not drawn
      this.pen.stroke();
      this.content = canvas;
      this.read(event.timeStamp);
    };
    canvas.onpointerdown = (event) => {
      canvas.setPointerCapture(event.pointerId);
      last = at(event);
      draw(event);
    };
    canvas.onpointermove = draw;
    canvas.onpointerup = canvas.onpointercancel = () => (last = null);
    window.addEventListener("dragover", (event) => event.preventDefault());
    window.addEventListener("drop", (event) => {
      event.preventDefault();
      if (!this.pad.hidden) this.open(event.dataTransfer.files[0]);
    });
  }

  clear() {
    this.pen.fillRect(0, 0, SIDE, SIDE);
    this.content = null;
    this.view = null;
    this.status.textContent = "Draw a digit, or drop a picture here.";
    if (this.shown) this.show(...this.shown);
  }

  /** Read a picture file as it is; the canvas shows a small copy. */
  async open(file) {
    if (!file) return;
    this.clear();
    this.content = file;
    this.read(performance.now());
    try {
      const bitmap = await createImageBitmap(file);
      const scale = SIDE / Math.max(bitmap.width, bitmap.height);
      this.pen.drawImage(bitmap, (SIDE - bitmap.width * scale) / 2, (SIDE - bitmap.height * scale) / 2, bitmap.width * scale, bitmap.height * scale);
    } catch {
      // The server says what is wrong with the file.
    }
  }

  /** Show the view for a run and the state of the dashboard. */
  show(run, state) {
    const { page, emptyBox } = this.board;
    this.shown = [run, state];
    this.view = null;
    page.detail.replaceChildren();
    if (!run || run.newest === null) return page.grid.replaceChildren(emptyBox("This view needs the checkpoint of a training run. Train one first:", this.board.trainCommand()));
    this.board.showStep(run.newest);
    if (this.content) return this.read(performance.now());
    return page.grid.replaceChildren(emptyBox("Draw a digit on the black square, or drop a picture on it. All maps, the answer and the projection of the chosen map follow the drawing."));
  }

  /** Send the newest content; while an answer is awaited, only remember that there is a newer one. */
  async read(began) {
    if (this.busy) return void (this.newer = began);
    this.busy = true;
    for (let next = began; next !== null; next = this.newer) {
      this.newer = null;
      await this.readOnce(next);
    }
    this.busy = false;
  }

  async readOnce(began) {
    const { ask, state, page } = this.board;
    const content = this.content;
    if (!content || state.view !== "own") return;
    const slow = setTimeout(() => (this.status.textContent = "Loading the network: the first picture takes some seconds."), 500);
    try {
      const body = content === this.canvas ? await new Promise((done) => content.toBlob(done)) : content;
      const query = { run: state.run, layer: state.layer, map: state.map ?? 0, method: state.method ?? "deconvnet" };
      const found = await ask("own", query, body);
      if (this.content === content && state.view === "own") {
        this.draw(found, query);
        this.status.textContent = `Answer after ${Math.round(performance.now() - began)} ms.`;
      }
    } catch (error) {
      if (error.status === 503) this.newer ??= began; // another browser's pictures were newer: send ours again
      else if (this.content === content) {
        this.status.textContent = "";
        page.detail.replaceChildren(make("p", { role: "alert" }, error.message));
      }
    } finally {
      clearTimeout(slow);
    }
  }

  draw(found, query) {
    const { page, methods } = this.board;
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
    const strongest = found.layers[query.layer].activations[query.map];
    const best = Math.max(...found.answers.map(([, share]) => share));
    const answers = found.answers.flatMap(([name, share]) => [
      make("b", { class: share === best && "best" }, name),
      make("i", { style: `width: ${100 * share}%` }),
      make("b", { class: share === best && "best" }, percent(share)),
    ]);
    page.detail.replaceChildren(
      make("h1", {}, `Read as ${found.answers.find(([, share]) => share === best)[0]} (${percent(best)})`),
      make("div", { class: "answers" }, ...answers),
      make("h2", {}, `Map ${query.map} of ${query.layer}, ${methods[query.method]}`),
      make("p", { class: "faint" }, strongest > 0 ? `All activations of the map in this picture; the strongest is ${short(strongest)}. Mid grey is 0; white and black are ±${short(found.scale)}.` : "This map is not active in this picture."),
      make("div", { class: "row" },
        make("figure", {}, picture(found.projection, `projection of map ${query.map}`, "large"), make("figcaption", {}, "projection")),
        make("figure", {}, picture(found.input, "what the network reads", "large"), make("figcaption", {}, `what the network reads, ${found.preparation}`))));
  }

  /** The grids of all layers; returns the buttons and the heading of each. */
  makeView(found) {
    const { page, state, writeAddress } = this.board;
    const view = {}, parts = [];
    for (const [layer, { activations }] of Object.entries(found.layers)) {
      const buttons = activations.map((_, map) => make("button", { type: "button", "data-map": map, "aria-label": `map ${map} of ${layer}` }, make("canvas"), String(map)));
      const title = make("h2");
      view[layer] = { buttons, title };
      parts.push(title, chooser(`Activations of ${layer}`, buttons, (button) => {
        Object.assign(state, { layer, map: button.dataset.map });
        writeAddress();
        this.read(performance.now());
      }));
    }
    page.grid.replaceChildren(make("h1", {}, "Activations of your picture"), ...parts);
    return view;
  }
}
