// Follows what changes as the example of docs/follow-a-run.md does, and reports it.
import { followChanges } from "./changes.js";

const report = (what) => fetch("/report", { method: "POST", body: JSON.stringify(what) });
const askBackend = async (path) => (await fetch(path, { method: "POST" })).json();
addEventListener("error", ({ message }) => report({ error: message }));
addEventListener("unhandledrejection", ({ reason }) => report({ error: String(reason) }));

const { api } = await askBackend("/plan");
await followChanges(api, () => askBackend("/ticket"), report, new AbortController().signal);
