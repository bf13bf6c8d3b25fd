// Requests to the dashboard's routes.

const KEPT = 400; // answers in memory, each of some hundred kilobytes at most

/** Ask a route of the server; throws an Error with the server's line and `status`. */
export async function ask(route, query = {}, body = null) {
  const address = new URL(route, import.meta.url);
  address.search = new URLSearchParams(query);
  const answer = await fetch(address, body && { method: "POST", body, headers: { "X-Deconvnet": "1" } });
  const found = await answer.json().catch(() => ({ error: `TensorBoard answered with the status ${answer.status}` }));
  if (!answer.ok) throw Object.assign(new Error(found.error), { status: answer.status });
  return found;
}

const kept = new Map();

/** As `ask`, but an answer is kept until `version`, the time of the last change of the results, differs. */
export function askOnce(route, query, version) {
  const key = JSON.stringify([route, query, version]);
  const answer = kept.get(key) ?? ask(route, query);
  answer.catch(() => kept.delete(key));
  kept.delete(key);
  kept.set(key, answer);
  if (kept.size > KEPT) kept.delete(kept.keys().next().value);
  return answer;
}
