"use strict";
for (const zoom of document.querySelectorAll(".zoom")) {
  const scroll = zoom.parentElement.querySelector(".scroll");
  const bars = [...scroll.querySelectorAll("g[data-n]")];
  const told = zoom.querySelector("output");
  let on = -1;
  const tell = (index) => {
    if (bars[on]) bars[on].classList.remove("on");
    on = index;
    if (!bars[on]) return;
    bars[on].classList.add("on");
    told.textContent = bars[on].querySelector("title").textContent;
  };
  if (!bars.length) told.textContent = "Each line shows what a connection was mostly doing: there are too many requests to show each.";
  for (const button of zoom.querySelectorAll("button")) {
    button.addEventListener("click", () => {
      const middle = (scroll.scrollLeft + scroll.clientWidth / 2) / scroll.scrollWidth;
      scroll.style.setProperty("--zoom", button.dataset.z);
      scroll.scrollLeft = middle * scroll.scrollWidth - scroll.clientWidth / 2;
      for (const other of zoom.querySelectorAll("button")) other.setAttribute("aria-pressed", other === button);
    });
  }
  bars.forEach((bar, index) => bar.addEventListener("pointerenter", () => tell(index)));
  scroll.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!step || !bars.length) return;
    event.preventDefault();
    tell(Math.min(bars.length - 1, Math.max(0, on + step)));
    const rect = bars[on].querySelector("rect").getBoundingClientRect(), box = scroll.getBoundingClientRect();
    if (rect.left < box.left || rect.right > box.right) scroll.scrollLeft += rect.left - box.left - 20;
  });
}
