// Keeps a page as new as the system: parts of it listen to the event `changed` on the body, and fetch
// themselves again. The connection's state is shown, and heals by itself.
const EVERY = 4000;
const LONGEST = 30000;

export function followChanges(element) {
  if (!element) return;
  const state = document.querySelector("[data-now]");
  let pause = EVERY;
  let timer = 0;

  const show = (now) => {
    if (state && state.dataset.now !== now) state.dataset.now = now;
  };
  const again = () => {
    clearTimeout(timer);
    timer = setTimeout(refresh, pause);
  };
  const refresh = () => {
    again();
    if (!document.hidden) document.body.dispatchEvent(new CustomEvent("changed"));
  };

  document.addEventListener("htmx:after:request", ({ detail }) => {
    const status = detail.ctx?.response?.status ?? 0;
    if (status === 401) location.reload();
    if (status >= 500) return;
    pause = EVERY;
    show("live");
  });
  for (const failure of ["htmx:error", "htmx:response:error"]) {
    document.addEventListener(failure, () => {
      pause = Math.min(pause * 2, LONGEST);
      show("away");
    });
  }
  document.addEventListener("htmx:after:swap", showNewer);
  document.addEventListener("visibilitychange", () => document.hidden || refresh());
  window.addEventListener("online", refresh);
  show("live");
  again();
}

// New rows come in by themselves only where they move nothing that is being read.
function showNewer() {
  const newer = document.querySelector("[data-newer]");
  const read = document.querySelector("#runs:hover, #runs:focus-within");
  if (newer && !read && window.scrollY < 8) newer.click();
}
