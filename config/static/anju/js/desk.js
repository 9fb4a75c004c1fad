/* The desk by keyboard: J/K move the row and the drawer with it, X picks, the rest acts on the row in the drawer. */
(function () {
  "use strict";

  const table = document.querySelector("[data-desk]");
  if (!table) return;
  const rows = () => Array.from(table.querySelectorAll("tbody tr[data-task]"));
  const current = () => table.querySelector("tbody tr.on");
  const picked = () => table.querySelectorAll("input[name=task]:checked");

  function choose(row) {
    if (!row) return;
    rows().forEach((other) => other.classList.toggle("on", other === row));
    row.scrollIntoView({ block: "nearest" });
    const address = new URL(location.href);
    address.searchParams.set("task", row.dataset.task);
    history.replaceState(history.state, "", address);
    window.htmx.ajax("GET", row.dataset.drawer, { target: "#drawer", swap: "innerHTML" });
    document.getElementById("drawer").classList.remove("is-empty", "is-default");
  }

  function step(by) {
    const all = rows();
    const at = all.indexOf(current());
    choose(all[Math.max(0, Math.min(all.length - 1, at + by))]);
  }

  function showBatch() {
    const line = document.getElementById("batch");
    if (!line) return;
    const count = picked().length;
    line.hidden = count === 0;
    table.closest(".pane").classList.toggle("has-picked", count > 0);
    line.querySelector("[data-count]").textContent = String(count);
  }

  const press = (selector) => document.querySelector("#drawer " + selector)?.click();
  const keys = {
    j: () => step(1),
    k: () => step(-1),
    Enter: () => {
      const link = current()?.querySelector("a.strong");
      if (link) location.assign(link.href);
    },
    x: () => {
      const box = current()?.querySelector("input[name=task]");
      if (box) {
        box.checked = !box.checked;
        showBatch();
      }
    },
    r: () => press("[data-key=R]"),
    c: () => press("[data-key=C]"),
    p: () => window.print(),
  };

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
    if (event.target.closest("a, input, button, label")) return;
    choose(event.target.closest("tr[data-task]"));
  });

  table.addEventListener("change", (event) => {
    if (event.target.matches("[data-all]")) {
      table.querySelectorAll("input[name=task]").forEach((box) => (box.checked = event.target.checked));
    }
    showBatch();
  });

  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-next]")) step(1);
    if (event.target.closest("[data-previous]")) step(-1);
    if (event.target.closest("[data-shut]")) {
      document.getElementById("drawer").classList.add("is-empty");
      current()?.classList.remove("on");
    }
  });
  showBatch();
})();
