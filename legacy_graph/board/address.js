// The state of the page, and the address that contains it: #deconvnet&p.deconvnet.layer=conv2&p.deconvnet.map=5

const PREFIX = "p.deconvnet.";
const DEFAULTS = { view: "digits", run: null, layer: null, method: null, step: null, order: "wins", map: null, beside: null, page: null };

/** TensorBoard's window. The dashboard is a frame in it, of the same origin. */
export const host = window.parent;
export const state = { ...DEFAULTS };

const parts = () => host.location.hash.slice(1).split("&");
const isOurs = (part) => part.startsWith(PREFIX);

/** Whether TensorBoard shows this dashboard. */
export const isShown = () => parts()[0] === "deconvnet";

/** Read the state from the address. An address without state, as after a visit to another tab, changes nothing. */
export function readAddress() {
  const found = parts().filter(isOurs);
  if (!found.length) return;
  const hash = new URLSearchParams(found.join("&"));
  for (const name of Object.keys(state)) state[name] = hash.get(PREFIX + name) ?? DEFAULTS[name];
}

/** Write the state into the address, without a new entry in the history. */
export function writeAddress() {
  if (!isShown()) return;
  const known = Object.entries(state).filter(([, value]) => value !== null);
  const ours = known.map(([name, value]) => `${PREFIX}${name}=${encodeURIComponent(value)}`);
  const hash = [...parts().filter((part) => !isOurs(part)), ...ours].join("&");
  host.history.replaceState(host.history.state, "", `#${hash}`);
}
