// The way to the server: requests, and streams of events that come again by themselves.

/** What went wrong, in words for people. */
export class Trouble extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
    this.isForPeople = true;
  }
}

/** Ask the server and return what it says; a problem is thrown in its own words. */
export async function ask(method, path, body, headers = {}) {
  const raw = body instanceof Blob;
  const kind = raw ? "application/octet-stream" : "application/json";
  let response;
  try {
    response = await fetch(path, {
      method,
      headers: body === undefined ? headers : { "Content-Type": kind, ...headers },
      body: body === undefined || raw ? body : JSON.stringify(body),
    });
  } catch {
    throw new Trouble("The server does not answer: what you see stays, and the page tries again by itself.", 0);
  }
  const said = (response.headers.get("Content-Type") ?? "").includes("json") ? await response.json() : {};
  if (!response.ok) throw new Trouble(said.detail ?? `The server said ${response.status}.`, response.status);
  return said;
}

/**
 * Follow a stream of events, again and again until it is stopped.
 *
 * `hears` has a function for each kind of event. `lost(seconds)` is called while there is no connection, with how long
 * that has been; `back(seconds)` when there is one again.
 */
export function follow(path, hears, { after = "", lost = () => {}, back = () => {} } = {}) {
  let source;
  let wait = 500;
  let since = 0;
  let timer;
  let last = after;
  const connect = () => {
    source = new EventSource(last ? `${path}?after=${encodeURIComponent(last)}` : path);
    source.onopen = () => {
      wait = 500;
      if (since) back((Date.now() - since) / 1000);
      since = 0;
    };
    source.onerror = () => {
      source.close();
      since ||= Date.now();
      lost((Date.now() - since) / 1000);
      timer = setTimeout(connect, wait);
      wait = Math.min(3000, wait * 1.5);
    };
    for (const [kind, hear] of Object.entries(hears)) {
      source.addEventListener(kind, (event) => {
        last = event.lastEventId || last;
        hear(JSON.parse(event.data));
      });
    }
  };
  connect();
  return () => {
    clearTimeout(timer);
    source.close();
  };
}
