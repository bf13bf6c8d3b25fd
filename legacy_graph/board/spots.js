// The right column: the strongest spots of a map, and boxes with the commands that write what is missing.

import { framed, make, percent, picture, short } from "./tiles.js";

/** Projection methods: name in requests -> text. */
export const METHODS = {
  deconvnet: "deconvnet", gradient: "gradient", guided: "guided backpropagation", occlusion: "occlusion", control: "random kernel (control)",
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

const summarize = ({ activation, wins }) =>
  `Strongest activation ${short(activation)}${wins === null ? "" : `, wins ${percent(wins)} of positions`}`;

/** The right column: a row for each spot of a map. `recorded` is the command for more, of results that train wrote. */
export function describeMap(map, query, command, recorded) {
  const title = make("h1", {}, `Map ${map.map} of ${query.layer}`);
  if (!map.spots.length) return [title, emptyBox("This map is dead: no activation is above 0.")];
  const control = map.control_scale !== null;
  let legend = `${summarize(map)}. ${describeScale(map, query.method)}`;
  if (control) legend += describeControl(map, query.method);
  if (map.energy !== null) legend += `. Each tile is the part of the image with most energy of the projection, ${percent(map.energy)} in the median`;
  const patches = hasPatches(map);
  const heads = [patches && "patch", METHODS[query.method], control && "control", "whole image", map.spots.length === 1 ? "strongest spot" : `${map.spots.length} strongest spots`].filter(Boolean);
  const head = make("tr", {}, ...heads.map((text) => make("th", { scope: "col" }, text)));
  const rows = map.spots.map((spot, at) => describeSpot(spot, at + 1, { patches, control, part: map.energy === null ? "its receptive field" : "this part" }));
  const parts = [title, make("p", { class: "faint" }, `${legend}.`)];
  const table = make("table", {}, head, ...rows);
  if (recorded !== undefined) return [...parts, table, describeRecorded(query.layer, recorded)];
  return [...parts, ...describeMissing(map, query, command), ...describeNeeds(map, query, command), table];
}

/** Whether there is a column of patches. Signals have none: their curves are in the pictures of the projections. */
const hasPatches = ({ drawn }) => drawn !== "curve";

/** What the greys of the tiles mean, or the curves of a signal. */
export function describeScale({ drawn, magnitude, scale }, method) {
  if (drawn === "curve") {
    const what = method === "occlusion" ? "fall of the activation" : magnitude ? "magnitude of the projection" : "projection";
    return `The signal is grey, from its minimum to its maximum; the ${what} is black, up to ${scaleText(scale, magnitude ? "" : "±")}, with 0 in the middle`;
  }
  if (drawn === "magnitude") return `Magnitude of the projection: black is 0, white is ${scaleText(scale)}`;
  const meaning = method === "occlusion" ? "white (covering lowers the activation) and black (covering raises it) are" : "white and black are";
  return `Mid grey is 0; ${meaning} ${scaleText(scale, "±")}`;
}

/** The scale of the tiles, or the range of their own scales where one scale would hide tiles. */
function scaleText(scales, sign = "") {
  const [low, high] = [Math.min(...scales), Math.max(...scales)].map((scale) => sign + short(scale));
  return low === high ? high : `the scale of each tile, ${low} to ${high}`;
}

/** How far the projections agree with occlusion: the chosen one in the first line, all of them in a table below it. */
function describeNeeds({ needs }, { method, step }, command) {
  if (!needs.length) {
    const steps = step === "" ? "" : ` --steps ${step}`;
    const hint = command ? `${command}${steps} --control occlusion` : "the features command with --control occlusion";
    return [make("p", { class: "faint needs" }, `These results have no occlusion. To measure which pixels the map needs: ${hint}`)];
  }
  const find = (name, random) => needs.find((row) => row.method === name && row.random === random);
  const chosen = method === "control" ? needs.find((row) => row.random) : find(method, false);
  const control = find(method, true);
  let text = "Does the map need these pixels? Rank correlation with occlusion";
  if (chosen) text += `: ${chosen.magnitude.toFixed(2)}`;
  if (control) text += `, of the control ${control.magnitude.toFixed(2)}`;
  const cells = needs.flatMap((row) => [
    make("span", {}, `${METHODS[row.method]}${row.random ? ", random kernel" : ""}`),
    ...[String(row.spots), row.magnitude.toFixed(2), row.positive.toFixed(2)].map((value) => make("b", {}, value)),
  ]);
  const heads = ["projection", "spots", "magnitude", "positive part"].map((head) => make("span", {}, head));
  const meaning = `Spearman's rank correlation of the projection (its magnitude, or its positive part) with the fall of the activation
    while a patch is covered, over the receptive field; the mean over these spots. 1: the projection shows the pixels that the map
    needs; 0: no relation. Spots whose projection is 0 everywhere are left out.`;
  return [make("details", { class: "faint needs" }, make("summary", {}, text), make("p", {}, meaning), make("div", {}, ...heads, ...cells))];
}

/** About the control: the same method through a random kernel. An empty control is not compared. */
function describeControl({ spots, magnitude, control_scale: scale }, method) {
  const found = spots.map((spot) => spot.rank_correlation).filter((value) => value !== null);
  const mean = found.reduce((sum, value) => sum + value, 0) / found.length;
  const empty = spots.length - found.length;
  let text = `, in the control (${METHODS[method]} through a random kernel) ${scaleText(scale, magnitude ? "" : "±")}. `;
  if (found.length) text += `Rank correlation of projection and control (1: alike, 0: unrelated): mean ${mean.toFixed(2)}`;
  if (empty) text += `${found.length ? "; " : ""}${empty} of ${spots.length} controls are empty and not compared`;
  return text;
}

/** A box that lists what is missing in results of earlier versions or without --control; [] if nothing is. */
function describeMissing(map, query, command) {
  const missing = [];
  if (!map.spots[0].input) missing.push("images, classes and predictions");
  if (map.control_scale === null && !["control", "occlusion"].includes(query.method)) missing.push(`control by ${METHODS[query.method]}`);
  if (!missing.length) return [];
  const hint = command ? "This command writes them:" : "Run the features command again, with --control random.";
  return [emptyBox(`These results have no ${missing.join(" and no ")}. ${hint}`, command)];
}

function describeRecorded(layer, command) {
  const text = `Recorded while training: the strongest spot of each map over the test images, at most the first 1,000. ${command ? "This command" : "The command features"}
    finds more spots at each step, over all test images, with controls, and with occlusion at the last step. They appear as the layer ${layer.split("-")[0]}${command ? ":" : "."}`;
  return emptyBox(text, command);
}

const imageOf = ({ file, image, label }) => `image ${file ?? image.toLocaleString("en")}${label === null ? "" : `: ${label}`}`;

function describeSpot(spot, rank, { patches, control, part }) {
  const { activation, place, label, answer, rank_correlation: correlation } = spot;
  const lines = [`activation ${short(activation)}`, `at row ${place[0]}, column ${place[1]}`];
  lines.push(imageOf(spot));
  const wrong = answer && label !== null && label !== answer[0];
  if (answer) lines.push(`read as ${answer[0]} (${percent(answer[1])})${wrong ? ", wrong" : ""}`);
  if (correlation !== null) lines.push(`rank correlation ${correlation.toFixed(2)}`);
  else if (control) lines.push("control is empty");
  const whole = `whole image of spot ${rank} with a frame around ${part}`;
  const cells = [
    ...(patches ? [spot.patch ? picture(spot.patch, `patch of spot ${rank}`, "patch") : "none"] : []),
    picture(spot.projection, `projection of spot ${rank}`),
    ...(control ? [picture(spot.control, `control of spot ${rank}`)] : []),
    spot.input ? framed(spot.input, spot.frame, whole) : "none",
  ];
  const text = make("td", {}, ...lines.flatMap((line) => [line, make("br")]));
  return make("tr", {}, ...cells.map((cell) => make("td", {}, cell)), text);
}

/** Two sets of spots of the same map beside each other, each with its name. */
export function compare(maps, names) {
  const columns = maps.map((map, at) => make("div", {}, make("h2", {}, names[at]), ...compareOne(map)));
  return make("div", { class: "beside" }, ...columns);
}

function compareOne(map) {
  if (map.error) return [alertBox(map.error)];
  if (!map.spots.length) return [emptyBox("This map is dead here.")];
  const legend = `${summarize(map)}. ${describeScale(map)}.`;
  const patches = hasPatches(map);
  const rows = map.spots.map((spot, at) => make("tr", {},
    ...(patches ? [make("td", {}, spot.patch ? picture(spot.patch, `patch of spot ${at + 1}`, "patch") : "none")] : []),
    make("td", {}, picture(spot.projection, `projection of spot ${at + 1}`)),
    make("td", {}, short(spot.activation), make("br"), imageOf(spot))));
  return [make("p", { class: "faint" }, legend), make("table", {}, ...rows)];
}
