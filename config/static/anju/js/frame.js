/* The frame of every page: search and help by key, what failed said in words, lists that come back as they were. */
(function () {
  "use strict";

  // A field of a dialog that was just shut may still hold the keyboard for a moment; nobody types into it.
  const typing = (target) =>
    target.closest("input, textarea, select, [contenteditable], dialog") !== null && !target.closest("dialog:not([open])");
  const keyNames = { "?": "?", "/": "/" };

  function say(text) {
    const line = document.getElementById("fault");
    line.textContent = text;
    line.classList.add("is-shown");
    clearTimeout(say.timer);
    say.timer = setTimeout(() => line.classList.remove("is-shown"), 8000);
  }

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") document.querySelectorAll("details.menu[open]").forEach((menu) => menu.removeAttribute("open"));
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    if (event.key === keyNames["/"]) {
      event.preventDefault();
      document.getElementById("find")?.focus();
    }
    if (event.key === keyNames["?"]) document.getElementById("keys")?.showModal();
  });

  document.addEventListener("click", (event) => {
    document.querySelectorAll("details.menu[open]").forEach((menu) => {
      if (!menu.contains(event.target)) menu.removeAttribute("open");
    });
    const opener = event.target.closest("[data-opens]");
    if (opener) {
      event.preventDefault();
      open(document.getElementById(opener.dataset.opens));
    }
    if (event.target.closest("[data-prints]")) window.print();
    const closer = event.target.closest("[data-closes]");
    if (closer) (closer.closest("dialog") || document.getElementById(closer.dataset.closes)).close();
  });

  function open(part) {
    if (!part) return;
    if (part instanceof HTMLDialogElement) part.showModal();
    else part.hidden = false;
    part.querySelector("textarea, select, input:not([type=hidden])")?.focus();
  }

  /* Signing out leaves nothing of a half-written visit on the machine. */
  document.addEventListener("submit", (event) => {
    if (!event.target.matches("[data-signs-out]")) return;
    for (const name of Object.keys(localStorage)) if (name.startsWith("anju draft ")) localStorage.removeItem(name);
  });

  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-submits]")) event.target.form.requestSubmit();
  });

  /* Signed in anew in another tab: the form's token is then an old one, the cookie's is the right one. */
  document.addEventListener("htmx:configRequest", (event) => {
    const token = document.cookie.match(/(?:^|; )csrftoken=([^;]+)/);
    if (token && event.detail.verb !== "get") event.detail.parameters.csrfmiddlewaretoken = token[1];
  });

  /* Leaving a field tells nothing that typing in it has not told, nor the other way round: asked once more, the answer
     would exchange the button of a preview while it is being pressed, and the press would be lost. */
  const asked = new Map();
  document.addEventListener("htmx:configRequest", (event) => {
    const { verb, target, path, formData, triggeringEvent } = event.detail;
    if (verb !== "get" || !target?.id) return;
    const fields = new URLSearchParams(formData);
    fields.sort();
    const question = `${path}?${fields}`;
    const isTyped = triggeringEvent?.type === "change" || triggeringEvent?.type === "input";
    if (isTyped && asked.get(target.id) === question) event.preventDefault();
    else asked.set(target.id, question);
  });
  ["htmx:sendError", "htmx:responseError", "htmx:swapError"].forEach((name) => document.addEventListener(name, () => asked.clear()));

  /* The session has ended: what is on the page stays there, the sign-in page never lands inside a part. */
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (!new URL(event.detail.xhr.responseURL || location.href).pathname.startsWith("/sign-in/")) return;
    event.detail.shouldSwap = false;
    asked.clear();
    say(document.getElementById("fault").dataset.expired);
    document.dispatchEvent(new CustomEvent("anju:unsaved"));
  });

  document.addEventListener("htmx:sendError", () => say(document.getElementById("fault").dataset.offline));
  document.addEventListener("htmx:responseError", (event) => {
    const line = document.getElementById("fault").dataset;
    const id = event.detail.xhr.getResponseHeader("X-Request-ID");
    document.dispatchEvent(new CustomEvent("anju:unsaved"));
    say(line.refused + (id ? " " + line.event + " " + id : ""));
  });

  /* Back restores row and scroll: kept for the tab only, and only where the list stood. */
  const list = document.querySelector("[data-keeps-scroll]");
  if (list) {
    const place = "scroll " + location.pathname + location.search.replace(/[?&](task|report)=\d+/, "");
    list.scrollTop = Number(sessionStorage.getItem(place) || 0);
    addEventListener("pagehide", () => sessionStorage.setItem(place, String(list.scrollTop)));
  }

  /* The page one is on stands in view where the tabs are wider than the screen. */
  document.querySelectorAll(".tabs, .bar nav").forEach((strip) => {
    const here = strip.querySelector('[aria-current="page"]');
    if (here) strip.scrollLeft = here.offsetLeft - strip.offsetLeft - (strip.clientWidth - here.offsetWidth) / 2;
  });

  window.anju = { typing, say, open };
})();
