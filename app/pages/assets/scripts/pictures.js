// A thumbnail is made seconds after its run has ended, and of a damaged image never. Until then the
// image itself is shown.
export function showWholeInstead() {
  document.addEventListener("error", ({ target }) => {
    const whole = target.dataset?.whole;
    if (!whole) return;
    delete target.dataset.whole;
    target.src = whole;
  }, true);
}
