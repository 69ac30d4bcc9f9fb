// Follows runs as the examples of docs/follow-a-run.md do, all at once, and reports each end.
import { followByEventSource } from "./event-source.js";
import { followByFetchEventSource } from "./fetch-event-source.js";
import { followByPolling } from "./polling.js";

const WAYS = { followByEventSource, followByFetchEventSource, followByPolling };

const report = (what) => fetch("/report", { method: "POST", body: JSON.stringify(what) });
const askBackend = async (path) => {
  const answer = await fetch(path, { method: "POST" });
  if (!answer.ok) throw new Error(`the backend says ${answer.status}`);
  return answer.json();
};
addEventListener("error", ({ message }) => report({ error: message }));
addEventListener("unhandledrejection", ({ reason }) => report({ error: String(reason) }));

for (const { name, way, api, run } of await askBackend("/plan")) {
  const shown = [];
  const show = (event, { id, status }) => shown.push({ event, id, status });
  WAYS[way](api, run, () => askBackend(`/ticket/${run}`), show).then(
    (final) => report({ name, final, shown }),
    (error) => report({ name, error: String(error) }),
  );
}
