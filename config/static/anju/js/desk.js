/* The desk by keyboard: J/K move the row and the drawer with it, X picks, C dials, R puts off, P prints, Enter opens. */
(function () {
  "use strict";

  const table = document.querySelector("[data-desk]");
  if (!table) return;
  const drawer = document.getElementById("drawer");
  const batch = document.getElementById("batch-form");
  const rows = () => Array.from(table.querySelectorAll("tbody tr[data-task]"));
  const current = () => table.querySelector("tbody tr.on");
  const picked = () => table.querySelectorAll("input[name=task]:checked");

  function tellPlace() {
    const place = drawer.querySelector("[data-place]");
    const at = rows().indexOf(current());
    if (place) place.textContent = at < 0 ? "" : `${at + 1} / ${rows().length}`;
  }

  function remember(id) {
    const address = new URL(location.href);
    if (id) address.searchParams.set("task", id);
    else address.searchParams.delete("task");
    history.replaceState(history.state, "", address);
  }

  function choose(row) {
    if (!row) return;
    rows().forEach((other) => other.classList.toggle("on", other === row));
    row.scrollIntoView({ block: "nearest" });
    remember(row.dataset.task);
    window.htmx.ajax("GET", row.dataset.drawer, { target: "#drawer", swap: "innerHTML" });
    drawer.classList.remove("is-empty", "is-default");
  }

  function step(by) {
    const all = rows();
    const at = all.indexOf(current());
    choose(all[at < 0 ? 0 : Math.max(0, Math.min(all.length - 1, at + by))]);
  }

  function showBatch() {
    if (!batch) return;
    const count = picked().length;
    batch.hidden = count === 0;
    table.closest(".pane").classList.toggle("has-picked", count > 0);
    batch.querySelector("[data-count]").textContent = String(count);
    const all = table.querySelector("[data-all]");
    if (all) {
      all.checked = count > 0 && count === rows().length;
      all.indeterminate = count > 0 && count < rows().length;
    }
  }

  function pickAll(is) {
    table.querySelectorAll("input[name=task]").forEach((box) => (box.checked = is));
    showBatch();
  }

  /* The number never stands on the page: it comes when it is dialled, and goes to the device. */
  async function reach(button) {
    const token = document.querySelector("input[name=csrfmiddlewaretoken]").value;
    const answer = await fetch(button.dataset.dials, { method: "POST", headers: { "X-CSRFToken": token } }).catch(() => null);
    const said = answer && answer.headers.get("Content-Type")?.includes("json") ? await answer.json() : {};
    if (said.href) location.assign(said.href);
    else window.anju.say(said.why || document.getElementById("fault").dataset[answer ? "refused" : "offline"]);
  }

  const press = (selector) => drawer.querySelector(selector)?.click();
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
    p: () => (picked().length && batch ? batch.querySelector("[data-prints-ticked]").click() : press("[data-key=P]")),
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
    if (event.target.matches("[data-all]")) pickAll(event.target.checked);
    showBatch();
  });

  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-next]")) step(1);
    if (event.target.closest("[data-previous]")) step(-1);
    if (event.target.closest("[data-unticks]")) pickAll(false);
    const dials = event.target.closest("[data-dials]");
    if (dials) reach(dials);
    if (event.target.closest("[data-shut]")) {
      drawer.classList.add("is-empty");
      current()?.classList.remove("on");
      remember("");
    }
  });

  document.addEventListener("htmx:afterSwap", tellPlace);
  /* Back brings the ticks that stood there; the line of buttons goes with them. */
  addEventListener("pageshow", showBatch);
  /* A row opened before stands in view when one comes back to it. */
  if (new URL(location.href).searchParams.has("task")) current()?.scrollIntoView({ block: "nearest" });
  tellPlace();
  showBatch();
})();
