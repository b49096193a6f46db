// What every script of the page uses to ask the API: the session's cookie comes by itself.
const token = document.querySelector("meta[name=csrf-token]")?.content ?? "";

/** Ask the API. Throws an Error whose message is the API's own sentence. */
export async function ask(path, { method = "GET", headers = {}, ...rest } = {}) {
  const own = method === "GET" ? {} : { "x-csrf-token": token };
  const answer = await fetch(path, { method, headers: { ...own, ...headers }, ...rest });
  if (answer.status === 401) location.assign(`/login?next=${encodeURIComponent(location.pathname)}`);
  if (!answer.ok) throw new Error((await answer.json().catch(() => null))?.detail ?? answer.statusText);
  return answer;
}
