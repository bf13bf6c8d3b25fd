// Elements and pictures. A tile is {height, width, channels, data}: uint8 pixels row by row, in base64.

const SHRUNK = 128; // pixels: wider tiles are larger than their place on the page

/** A new element with attributes and children; a function is the listener of an event such as "onclick". */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element[name] = value;
    else if (value !== null && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

/** Set the options of a select, as [value, text], and its value. */
export function fill(select, options, value) {
  const texts = JSON.stringify(options);
  const elements = options.map(([value, text]) => make("option", { value }, text));
  if (select.dataset.options !== texts) select.replaceChildren(...elements);
  select.dataset.options = texts;
  select.value = value;
}

/** The pixels of `count` rows of a tile, from row `top` on, as ImageData. */
function pixels(tile, top = 0, count = tile.height) {
  const bytes = (tile.bytes ??= Uint8Array.from(atob(tile.data), (character) => character.charCodeAt(0)));
  const image = new ImageData(tile.width, count);
  for (let at = 0, from = top * tile.width * tile.channels; at < image.data.length; at += 4) {
    const pixel = tile.channels === 3 ? [0, 1, 2] : [0, 0, 0];
    pixel.forEach((channel, colour) => (image.data[at + colour] = bytes[from + channel]));
    image.data[at + 3] = 255;
    from += tile.channels;
  }
  return image;
}

/** Draw the rows of a tile on a canvas, one canvas pixel each; the style sheet enlarges the canvas. */
export function paint(canvas, tile, top, count) {
  const image = pixels(tile, top, count);
  [canvas.width, canvas.height] = [image.width, image.height];
  canvas.getContext("2d", { willReadFrequently: true }).putImageData(image, 0, 0); // on the CPU: faster for small tiles
  return canvas;
}

/** The canvas of a tile. The style sheet gives wide ones more width, and smooths those that it makes smaller. */
function canvasOf(tile, label, className) {
  const names = [className, tile.width >= 2 * tile.height && "wide", tile.width > SHRUNK && "shrunk"];
  return make("canvas", { class: names.filter(Boolean).join(" "), role: "img", "aria-label": label });
}

/** A canvas with a tile; `label` describes it for screen readers. */
export function picture(tile, label, className = "tile") {
  return paint(canvasOf(tile, label, className), tile);
}

/** A canvas with an image and a frame around a part of it: [[top, height], [left, width]] in pixels. */
export function framed(tile, [[top, height], [left, width]], label, className = "tile") {
  const times = Math.max(1, Math.ceil(224 / Math.max(tile.width, tile.height)));
  const canvas = canvasOf(tile, label, className);
  [canvas.width, canvas.height] = [tile.width * times, tile.height * times];
  const pen = canvas.getContext("2d");
  pen.imageSmoothingEnabled = false;
  pen.drawImage(paint(document.createElement("canvas"), tile), 0, 0, canvas.width, canvas.height);
  for (const [colour, thick] of [["#fff", 8], ["#e8710a", 4]]) {
    [pen.strokeStyle, pen.lineWidth] = [colour, thick];
    pen.strokeRect(left * times, top * times, width * times, height * times);
  }
  return canvas;
}

/** Mark one button of a group as chosen, or none. Tab enters the group at this button, or at the first one. */
export function press(buttons, chosen) {
  for (const one of buttons) {
    one.setAttribute("aria-pressed", one === chosen);
    one.tabIndex = one === (chosen ?? buttons[0]) ? 0 : -1;
  }
}

/** A grid of buttons, one of which is chosen. The arrow keys, Home and End move to another button and choose it. */
export function chooser(label, buttons, choose) {
  const group = make("div", { role: "group", "aria-label": label, class: "maps" }, ...buttons);
  group.onclick = (event) => {
    const button = event.target.closest("button");
    if (button) choose(button);
  };
  group.onkeydown = (event) => {
    const at = buttons.indexOf(event.target.closest("button"));
    const columns = buttons.filter((one) => one.offsetTop === buttons[0].offsetTop).length;
    const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns, Home: -at };
    const next = event.key === "End" ? buttons.at(-1) : buttons[at + steps[event.key]];
    if (!next) return;
    event.preventDefault();
    next.focus();
    choose(next);
  };
  return group;
}

export const percent = (share) => `${(100 * share).toFixed(1)} %`;

/** Three significant digits, also if the last ones are zeros: columns of numbers stay aligned. */
export function short(value) {
  const size = Math.abs(value);
  return size >= 999.5 || size < 1e-4 ? String(Number(value.toPrecision(3))) : value.toPrecision(3);
}
