// What EventSource and fetch-event-source do by themselves, when nobody helps them.
import { fetchEventSource } from "@microsoft/fetch-event-source";

const report = (what) => fetch("/report", { method: "POST", body: JSON.stringify(what) });
const pause = (milliseconds) => new Promise((go) => setTimeout(go, milliseconds));
const KINDS = ["cut", "end", "502", "401", "204"];

async function eventSource(kind) {
  const events = new EventSource(`/scripted/${kind}/event-source`);
  await pause(3000);
  const outcome = events.readyState === EventSource.CLOSED ? "gave up" : "goes on";
  events.close();
  return outcome;
}

async function fetched(kind) {
  const stop = new AbortController();
  let outcome = "goes on";
  fetchEventSource(`/scripted/${kind}/fetch-event-source`, { signal: stop.signal }).then(
    () => { if (!stop.signal.aborted) outcome = "resolved"; },
    (error) => { outcome = String(error); },
  );
  await pause(3000);
  stop.abort();
  return outcome;
}

const outcomes = await Promise.all(KINDS.map(async (kind) => {
  return [kind, await Promise.all([eventSource(kind), fetched(kind)])];
}));
report(Object.fromEntries(outcomes));
