// The pad: draw with mouse, finger or pen, drop a picture on the page, or choose a file.

import { host, isShown } from "./address.js";
import { make } from "./tiles.js";

const SIDE = 280; // pixels of the canvas
const PEN = 22; // pixels
const ARRAYS = ".npy,.npz";
const KEPT = "deconvnet-drawing"; // the drawing in the storage of the browser's tab, so that a reload keeps it

/** The pad. It calls changed(time) once it has new content, and cleared() once it is empty. */
export class Pad {
  constructor(changed, cleared) {
    Object.assign(this, { changed, cleared });
    const canvas = { class: "pad", width: SIDE, height: SIDE, role: "img", "aria-label": "Drawing area" };
    this.canvas = make("canvas", canvas);
    this.status = make("p", { class: "faint", role: "status" });
    const file = (this.chosen = make("input", { type: "file", hidden: true }));
    file.onclick = () => (file.value = "");
    file.onchange = () => this.open(file.files[0]);
    const clear = make("button", { type: "button", onclick: () => this.clear() }, "Clear");
    this.choose = make("button", { type: "button", onclick: () => file.click() });
    this.element = make("div", {}, this.canvas, make("div", { class: "row" }, clear, this.choose, file), this.status);
    this.pen = this.canvas.getContext("2d");
    const style = { lineWidth: PEN, lineCap: "round", lineJoin: "round", strokeStyle: "#fff", fillStyle: "#000" };
    Object.assign(this.pen, style);
    this.listen();
    this.showKind(false, false);
    this.empty();
    this.restore().catch(() => {}); // nothing was kept
  }

  /** The file to send: the dropped one, or the drawing as PNG; null if the pad is empty. */
  async file() {
    if (!this.isDrawn()) return this.content;
    return new Promise((done) => this.canvas.toBlob(done));
  }

  /** Ask for signals, which cannot be drawn, or for pictures; for a network of --graph, both may be arrays. */
  showKind(network, signals) {
    this.canvas.hidden = signals;
    this.chosen.accept = network ? `image/*,${ARRAYS}` : "image/*";
    this.choose.textContent = signals ? "Choose a signal…" : "Choose a picture…";
    this.hint = signals ? "Drop a signal on the page." : "Draw, or drop a picture here.";
    if (!this.content || (signals && this.isDrawn())) this.status.textContent = this.hint;
  }

  /** Whether the content is a drawing. */
  isDrawn() {
    return this.content === this.canvas;
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
      this.changed(event.timeStamp);
    };
    canvas.onpointerdown = (event) => {
      canvas.setPointerCapture(event.pointerId);
      last = at(event);
      draw(event);
    };
    canvas.onpointermove = draw;
    canvas.onpointerup = canvas.onpointercancel = () => {
      if (last) this.keep();
      last = null;
    };
    // By default, the browser opens a dropped file in place of TensorBoard's page, also if it is dropped beside the frame.
    for (const area of new Set([window, host])) {
      const accept = (event) => (area === window || isShown()) && event.preventDefault();
      area.addEventListener("dragover", accept);
      area.addEventListener("drop", accept);
    }
    window.addEventListener("drop", (event) => {
      if (!this.element.hidden) this.open(event.dataTransfer.files[0]);
    });
  }

  empty() {
    this.pen.fillRect(0, 0, SIDE, SIDE);
    this.content = null;
    this.status.textContent = this.hint;
  }

  /** Keep a drawing until the browser's tab is closed. A picture file is not kept. */
  keep() {
    try {
      sessionStorage.setItem(KEPT, this.canvas.toDataURL());
    } catch {
      // The browser forbids the storage: a reload then starts with an empty pad.
    }
  }

  /** Draw what was kept before a reload, if anything was. */
  async restore() {
    const image = new Image();
    image.src = sessionStorage.getItem(KEPT) ?? "data:,";
    await image.decode();
    if (this.content) return;
    this.pen.drawImage(image, 0, 0);
    this.content = this.canvas;
    this.changed(performance.now());
  }

  clear() {
    sessionStorage.removeItem(KEPT);
    this.empty();
    this.cleared();
  }

  /** Take a picture file as it is; the canvas shows a small copy. */
  async open(file) {
    if (!file) return;
    this.clear();
    this.content = file;
    this.changed(performance.now());
    try {
      const bitmap = await createImageBitmap(file);
      const scale = SIDE / Math.max(bitmap.width, bitmap.height);
      const [width, height] = [bitmap.width * scale, bitmap.height * scale];
      this.pen.drawImage(bitmap, (SIDE - width) / 2, (SIDE - height) / 2, width, height);
      bitmap.close(); // 200 MB for a picture of 50 million pixels
    } catch {
      // The server says what is wrong with the file.
    }
  }
}
