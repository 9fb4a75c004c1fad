/* The review desk by keyboard: A approve, B return, J/K the next report, Space the evidence, N the note, X tick. */
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
      part.querySelector(name === "return" ? "input:not([type=hidden]), textarea" : "textarea")?.focus();
    } else if (document.activeElement?.closest(".decide")) document.activeElement.blur(); // keys act again at once
  }

  /* Closed folds around the proof are opened too. */
  function show(part) {
    for (let fold = part.parentElement?.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
    if (part.matches("details")) part.open = true;
    part.scrollIntoView({ block: "nearest" });
  }

  function toggleEvidence() {
    const part = document.getElementById("evidence");
    if (!part) return;
    if (part.open && part.checkVisibility()) part.open = false;
    else show(part);
  }

  const keys = {
    a: () => decide("approve"),
    n: () => decide("approve"),
    b: () => decide("return"),
    j: () => step(1),
    k: () => step(-1),
    x: () => document.querySelector(".qrow:has(.q.on) input[type=checkbox]:enabled")?.click(),
    " ": toggleEvidence,
  };

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") decide("");
    if (event.key === "Enter" && event.ctrlKey) {
      event.target.closest("form.decide:not(.is-shut)")?.requestSubmit();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || window.anju.typing(event.target)) return;
    if (event.target.closest("button, summary, input") && event.key === " ") return;
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
    const proof = event.target.closest("a[href='#evidence'], a[href='#clock']");
    if (proof) {
      event.preventDefault();
      show(document.querySelector(proof.hash));
    }
  });

  /* Ticks live as long as the tab: opening the next report keeps what was ticked. */
  const together = document.querySelector("[data-together]");
  if (together) {
    const most = Number(together.dataset.most);
    const boxes = Array.from(document.querySelectorAll(".qrow input[type=checkbox]"));
    const kept = new Set(JSON.parse(sessionStorage.getItem("anju.together") || "[]"));
    const count = () => {
      const ticked = boxes.filter((box) => box.checked);
      sessionStorage.setItem("anju.together", JSON.stringify(ticked.map((box) => box.value)));
      together.querySelector("[data-count]").textContent = ticked.length || "";
      together.querySelector("[data-go]").disabled = !ticked.length || ticked.length > most;
    };
    boxes.forEach((box) => (box.checked = !box.disabled && kept.has(box.value)));
    document.addEventListener("change", (event) => {
      if (event.target.matches("[data-all]")) {
        const open = boxes.filter((box) => !box.disabled);
        open.forEach((box, place) => (box.checked = event.target.checked && place < most));
      }
      count();
    });
    count();
  }

  document.querySelector(".q.on")?.scrollIntoView({ block: "nearest" });
})();
