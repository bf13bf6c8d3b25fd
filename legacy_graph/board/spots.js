// The right column: the strongest spots of a map, and boxes with the commands that write what is missing.

import { framed, make, percent, picture, short } from "./tiles.js";

/** Projection methods: name in requests -> text. */
export const METHODS = {
  deconvnet: "deconvnet", gradient: "gradient", guided: "guided backpropagation", control: "random kernel (control)",
};

/** A box that says what is missing, with the command that writes it, if there is one. */
export function emptyBox(text, command) {
  const box = make("div", { class: "empty", role: "status" }, make("p", {}, text));
  if (!command) return box;
  const copy = make("button", { type: "button" }, "Copy");
  copy.onclick = () => navigator.clipboard.writeText(command).then(() => (copy.textContent = "Copied"));
  box.append(make("div", { class: "command" }, make("code", {}, command), copy));
  return box;
}

export const alertBox = (error) => make("p", { role: "alert" }, error.message);

/** One line about a map. */
export function describe({ map, tile, activation, wins }) {
  return `Map ${map}: ${tile ? summarize({ activation, wins }).toLowerCase() : "dead, no activation is above 0"}`;
}

const summarize = ({ activation, wins }) => `Strongest activation ${short(activation)}, wins ${percent(wins)} of positions`;

/** The right column: a row for each spot of a map. */
export function describeMap(map, query, command) {
  const title = make("h1", {}, `Map ${map.map} of ${query.layer}`);
  if (!map.spots.length) return [title, emptyBox("This map is dead: no activation is above 0.")];
  const control = map.control_scale !== null;
  let legend = `${summarize(map)}. Mid grey is 0; white and black are ±${short(map.scale)}`;
  if (control) {
    const mean = map.spots.reduce((sum, spot) => sum + spot.rank_correlation, 0) / map.spots.length;
    legend += `, in the control (random kernel) ±${short(map.control_scale)}. `;
    legend += `Rank correlation of both (1 alike, 0 unrelated): mean ${mean.toFixed(2)}`;
  }
  const heads = ["patch", METHODS[query.method], "whole image", `${map.spots.length} strongest spots`];
  if (control) heads.splice(2, 0, "control");
  const head = make("tr", {}, ...heads.map((text) => make("th", { scope: "col" }, text)));
  const rows = map.spots.map((spot, at) => describeSpot(spot, at + 1, control));
  return [title, make("p", { class: "faint" }, `${legend}.`), ...describeMissing(map, query, command),
    make("table", {}, head, ...rows)];
}

/** A box that lists what is missing in results of earlier versions or without --control; [] if nothing is. */
function describeMissing(map, query, command) {
  const missing = [];
  if (!map.spots[0].input) missing.push("images, classes and answers");
  if (map.control_scale === null && query.method !== "control") missing.push("control");
  if (!missing.length) return [];
  const hint = command ? "This command writes them:" : "Run the features command again, with --control random.";
  return [emptyBox(`These results have no ${missing.join(" and no ")}. ${hint}`, command)];
}

function describeSpot(spot, rank, control) {
  const { activation, place, image, file, label, answer, rank_correlation: correlation } = spot;
  const lines = [`activation ${short(activation)}`, `at row ${place[0]}, column ${place[1]}`];
  lines.push(`image ${file ?? image.toLocaleString("en")}${label === null ? "" : `: ${label}`}`);
  const wrong = answer && label !== null && label !== answer[0];
  if (answer) lines.push(`read as ${answer[0]} (${percent(answer[1])})${wrong ? ", wrong" : ""}`);
  if (correlation !== null) lines.push(`rank correlation ${correlation.toFixed(2)}`);
  const whole = `whole image of spot ${rank} with a frame around its receptive field`;
  const cells = [
    spot.patch ? picture(spot.patch, `patch of spot ${rank}`) : "none",
    picture(spot.projection, `projection of spot ${rank}`),
    ...(control ? [picture(spot.control, `control of spot ${rank}`)] : []),
    spot.input ? framed(spot.input, spot.frame, whole) : "none",
  ];
  const text = make("td", {}, ...lines.flatMap((line) => [line, make("br")]));
  return make("tr", {}, ...cells.map((cell) => make("td", {}, cell)), text);
}
