/* A list by keyboard: J and K move, Enter opens the row's own link; a click on a row does the same. */
(function () {
  "use strict";

  const table = document.querySelector("[data-rows]");
  if (!table) return;
  const rows = () => Array.from(table.querySelectorAll("tbody tr"));
  const current = () => table.querySelector("tbody tr.on");
  const open = (row) => {
    const link = row?.querySelector("a.strong");
    if (link) location.assign(link.href);
  };

  function step(by) {
    const all = rows();
    const at = all.indexOf(current());
    const next = all[at < 0 ? 0 : Math.max(0, Math.min(all.length - 1, at + by))];
    current()?.classList.remove("on");
    next?.classList.add("on");
    next?.scrollIntoView({ block: "nearest" });
  }

  const keys = { j: () => step(1), k: () => step(-1), Enter: () => open(current()) };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || window.anju.typing(event.target)) return;
    if (event.key === "Enter" && event.target.closest("a, button, summary")) return;
    const act = keys[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (act) {
      event.preventDefault();
      act();
    }
  });

  table.addEventListener("click", (event) => {
    if (!event.target.closest("a, input, button, label")) open(event.target.closest("tbody tr"));
  });
})();
