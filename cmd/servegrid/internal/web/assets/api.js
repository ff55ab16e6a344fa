// The server's operations; /openapi.json describes them.

async function reply(response) {
  if (response.ok) return response;
  let text = `the server answered ${response.status}`;
  try {
    text = (await response.json()).error ?? text;
  } catch { /* the status says it */ }
  throw new Error(text);
}

async function send(path, body, signal) {
  let response;
  try {
    response = await fetch(path, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body), signal });
  } catch (e) {
    if (e.name === 'AbortError') throw e;
    throw new Error('the server cannot be reached: is servegrid webapp still running?');
  }
  return reply(response);
}

export const post = async (path, body, signal) => (await send(path, body, signal)).json();
export const postBlob = async (path, body) => (await send(path, body)).blob();

export async function get(path, query = {}) {
  const q = new URLSearchParams(query).toString();
  return (await reply(await fetch(q ? `${path}?${q}` : path))).json();
}

/** latest wraps an operation: a new call ends the one before it. */
export function latest(f) {
  let last;
  return async (...args) => {
    last?.abort();
    const mine = new AbortController();
    last = mine;
    const answer = await f(...args, mine.signal);
    if (mine.signal.aborted) throw new DOMException('superseded', 'AbortError');
    return answer;
  };
}
