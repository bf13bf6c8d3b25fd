// Save what is seen as a PNG file: the grid and the chosen map, with a caption.

import { make } from "./tiles.js";

const MARGIN = 16; // pixels

/** Draw the elements beside each other, below a caption, and offer the picture as a file to save. */
export async function savePicture(elements, caption, name) {
  const style = await (await fetch(new URL("style.css", import.meta.url))).text();
  const boxes = elements.map((element) => ({ width: element.clientWidth, height: element.scrollHeight }));
  const width = boxes.reduce((sum, box) => sum + box.width, 0) + 2 * MARGIN;
  const height = Math.max(...boxes.map((box) => box.height)) + 2 * MARGIN + 24;
  const canvas = await draw(asSvg(elements, boxes, style, caption, width, height), width, height);
  const file = await new Promise((done) => canvas.toBlob(done));
  const link = make("a", { href: URL.createObjectURL(file), download: `${name.replace(/[^\w.-]+/g, "-")}.png` });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

/** An SVG picture that contains copies of the elements. A copy of a canvas is empty, so each becomes an image. */
function asSvg(elements, boxes, style, caption, width, height) {
  const copies = elements.map((element, at) => {
    const copy = element.cloneNode(true);
    const drawn = element.querySelectorAll("canvas");
    copy.querySelectorAll("canvas").forEach((canvas, number) => {
      const { width, height, objectFit, backgroundColor, imageRendering } = getComputedStyle(drawn[number]);
      const image = make("img", { src: drawn[number].toDataURL(), class: canvas.className });
      Object.assign(image.style, { width, height, objectFit, backgroundColor, imageRendering });
      canvas.replaceWith(image);
    });
    // Sizes of the window, such as vw, mean something else in the picture.
    const grids = element.querySelectorAll(".maps");
    copy.querySelectorAll(".maps").forEach((grid, number) => {
      grid.style.gridTemplateColumns = getComputedStyle(grids[number]).gridTemplateColumns;
    });
    const strips = element.querySelectorAll(".strip");
    copy.querySelectorAll(".strip").forEach((strip, number) => {
      strip.firstChild.style.marginLeft = `${-strips[number].scrollLeft}px`; // a copy is scrolled to its begin
    });
    copy.style.cssText = `width: ${boxes[at].width}px; overflow: hidden; flex: none; max-height: none; position: static`;
    return copy;
  });
  const root = make("div", { class: "saved" }, make("style", {}, style), make("p", {}, caption), make("div", {}, ...copies));
  root.style.minHeight = `${height}px`; // below short contents the picture would be transparent
  root.dataset.theme = document.documentElement.dataset.theme;
  const empty = `<svg width="${width}" height="${height}"><foreignObject width="100%" height="100%"></foreignObject></svg>`;
  const svg = new DOMParser().parseFromString(empty, "text/html").querySelector("svg");
  svg.firstChild.append(root);
  return new XMLSerializer().serializeToString(svg);
}

async function draw(svg, width, height) {
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
  await image.decode();
  const scale = window.devicePixelRatio;
  const canvas = make("canvas", { width: width * scale, height: height * scale });
  canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
  return canvas;
}
