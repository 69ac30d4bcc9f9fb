// Keeps a page as new as the system. One stream says `changed`; parts of the page listen to that and
// fetch themselves again. The state of the connection is shown, and heals by itself.
const AGAIN = 2000;
const SHARED = 2500; // what a part shows may be read for others up to two seconds before a change
const AGE = 30000; // "3 minutes ago" grows older without any change

export function followChanges(stream) {
  if (!stream) return;
  let connected = false;

  const show = (now) => {
    connected = now === "live";
    if (stream.dataset.now !== now) stream.dataset.now = now;
  };
  const refresh = () => document.hidden || stream.dispatchEvent(new CustomEvent("changed", { bubbles: true }));

  // What happened before the connection was there, or while it was not, is read now.
  stream.addEventListener("htmx:sse:after:connection", () => {
    show("live");
    refresh();
  });
  stream.addEventListener("htmx:sse:error", ({ detail }) => {
    if (detail.status === 401) location.reload();
    show("away");
  });
  stream.addEventListener("htmx:sse:close", () => show("away"));
  let late = 0;
  stream.addEventListener("htmx:sse:before:message", ({ detail }) => {
    show("live");
    if (detail.message.event !== "changed") return;
    clearTimeout(late);
    late = setTimeout(refresh, SHARED);
  });
  for (const failure of ["htmx:error", "htmx:response:error"]) {
    stream.addEventListener(failure, () => show("away"));
  }
  document.addEventListener("htmx:response:error", ({ detail }) => {
    if (detail.ctx?.response?.status === 401) location.reload();
  });
  document.addEventListener("htmx:after:swap", showNewer);
  // Not on load: the stream could be there before this listens, and would be "connecting" for ever.
  // The stream of htmx goes on by itself once it was there; until then it is asked for again.
  const connect = () => connected || stream.dispatchEvent(new CustomEvent("connect"));
  document.addEventListener("DOMContentLoaded", () => setTimeout(connect)); // htmx has begun by then
  setInterval(connect, AGAIN);
  setInterval(() => connected && refresh(), AGE);
}

// New rows come in by themselves only where they move nothing that is being read.
function showNewer() {
  const newer = document.querySelector("[data-newer]");
  const read = document.querySelector("#runs:hover, #runs:focus-within");
  if (newer && !read && window.scrollY < 8) newer.click();
}
