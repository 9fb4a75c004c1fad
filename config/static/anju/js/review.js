/* The review desk by keyboard: A approve, B return, J/K the next report, Space the unchanged part, N the note. */
(function () {
  "use strict";

  const queue = document.querySelector("[data-queue]");
  const links = () => (queue ? Array.from(queue.querySelectorAll("a.q")) : []);

  function step(by) {
    const all = links();
    const at = all.findIndex((link) => link.classList.contains("on"));
    const next = all[Math.max(0, Math.min(all.length - 1, at + by))];
    if (next && at !== all.indexOf(next)) location.assign(next.href);
  }

  function decide(name) {
    document.querySelectorAll(".decide").forEach((part) => part.classList.toggle("is-shut", part.id !== name));
    const part = document.getElementById(name);
    if (part) {
      part.scrollIntoView({ block: "nearest" });
      part.querySelector("textarea")?.focus();
    }
  }

  const keys = {
    a: () => decide("approve"),
    n: () => decide("approve"),
    b: () => decide("return"),
    j: () => step(1),
    k: () => step(-1),
    " ": () => {
      const fold = document.querySelector("details.fold-in");
      if (fold) fold.open = !fold.open;
    },
  };

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") decide("");
    if (event.ctrlKey || event.metaKey || event.altKey || window.anju.typing(event.target)) return;
    if (event.target.closest("button, summary") && event.key === " ") return;
    const act = keys[event.key.toLowerCase()];
    if (act) {
      event.preventDefault();
      act();
    }
  });

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-decide]");
    if (button) {
      event.preventDefault();
      decide(button.dataset.decide);
    }
  });

  document.querySelector(".q.on")?.scrollIntoView({ block: "nearest" });
})();
