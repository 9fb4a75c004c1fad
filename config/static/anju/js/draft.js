/* What is typed into a visit stays on this machine until the server has it, by task and staff number; and one window
   writes at a time: it says so every half minute, every other one only reads. */
(function () {
  "use strict";

  const form = document.getElementById("visit-form");
  if (!form) return;
  const PREFIX = "anju draft ";
  const DAY = 24 * 3600 * 1000;
  const BEAT = 30 * 1000;
  const key = PREFIX + form.dataset.draft;
  const saved = () => document.getElementById("saved");
  const writable = () => !form.dataset.locked;

  /* ── The copy on this machine ─────────────────────────────────────────────────────────────── */

  /* Only where it can be made unreadable: with the key that the server gave this page. */
  const store = (() => {
    try {
      if (!form.dataset.key || !crypto.subtle) return null;
      localStorage.setItem(PREFIX, "1");
      localStorage.removeItem(PREFIX);
      return localStorage;
    } catch (refused) {
      return null;
    }
  })();
  const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const text = (buffer) => btoa(Array.from(new Uint8Array(buffer), (byte) => String.fromCharCode(byte)).join(""));
  const secret = store && crypto.subtle.importKey("raw", bytes(form.dataset.key), "AES-GCM", false, ["encrypt", "decrypt"]);
  form.removeAttribute("data-key");
  /* The name is bound in: a copy moved to another task or person does not open. */
  const locked = (iv) => ({ name: "AES-GCM", iv, additionalData: new TextEncoder().encode(key) });

  async function sealed(copy) {
    const iv = crypto.getRandomValues(new Uint8Array(12));
    const data = await crypto.subtle.encrypt(locked(iv), await secret, new TextEncoder().encode(JSON.stringify(copy)));
    return JSON.stringify({ at: copy.at, iv: text(iv), data: text(data) });
  }

  async function opened() {
    const kept = read(key);
    if (!kept) return null;
    try {
      const data = await crypto.subtle.decrypt(locked(bytes(kept.iv)), await secret, bytes(kept.data));
      return JSON.parse(new TextDecoder().decode(data));
    } catch (foreign) {
      store.removeItem(key);
      return null;
    }
  }

  const SKIPPED = ["csrfmiddlewaretoken", "version", "then", "tab"];
  const fields = () => Array.from(new FormData(form)).filter(([name]) => !SKIPPED.includes(name));
  const time = (at) => new Date(at).toTimeString().slice(0, 5);
  let typed = 0;
  let sent = 0;
  let turn = 0;

  function read(name) {
    try {
      return JSON.parse(store.getItem(name));
    } catch (broken) {
      return null;
    }
  }

  /* What is sealed late is older than what came after it, or belongs to a copy that was wiped meanwhile. */
  async function keep() {
    typed += 1;
    if (!store || !writable()) return;
    const mine = (turn += 1);
    const copy = { at: Date.now(), version: document.getElementById("version").value, fields: fields() };
    form.dataset.kept = time(copy.at);
    try {
      const shut = await sealed(copy);
      if (mine === turn) store.setItem(key, shut);
    } catch (full) {
      delete form.dataset.kept;
    }
  }

  function wipe() {
    turn += 1;
    store?.removeItem(key);
    delete form.dataset.kept;
  }

  form.addEventListener("input", keep);
  form.addEventListener("change", keep);
  form.addEventListener("htmx:configRequest", () => (sent = typed));
  form.addEventListener("htmx:afterRequest", (event) => {
    const url = event.detail.xhr.responseURL || "";
    if (event.detail.xhr.status === 200 && url.endsWith("/draft/") && sent === typed) wipe();
  });

  /* Said in words: what the server has, what only this machine has. */
  function say() {
    const line = saved();
    if (!line || !form.dataset.kept || line.textContent.includes(form.dataset.kept)) return;
    if ([line.dataset.offline, line.dataset.unsaved].includes(line.textContent.trim())) {
      line.textContent += line.dataset.kept.replace("%s", form.dataset.kept);
    }
  }
  ["htmx:sendError", "anju:unsaved", "htmx:afterOnLoad"].forEach((name) =>
    document.addEventListener(name, () => setTimeout(say))
  );

  function forgetOld() {
    for (const name of Object.keys(store)) {
      if (name.startsWith(PREFIX) && !(read(name)?.at > Date.now() - DAY)) store.removeItem(name);
    }
  }

  const offer = document.getElementById("offer");
  /* What the form shows already is nothing to be offered; it may show more, where a section was opened. */
  const stands = (copy) => {
    const shown = new Map(fields());
    return copy.every(([name, value]) => value === "" || name === "more" || shown.get(name) === value);
  };

  async function propose() {
    const copy = await opened();
    if (!copy || typed) return;
    if (!writable() || stands(copy.fields)) return wipe();
    offer.querySelector("[data-when]").textContent = time(copy.at);
    offer.querySelector("[data-newer]").hidden = copy.version === document.getElementById("version").value;
    offer.hidden = false;
  }

  function restore(copy) {
    for (const [name, value] of copy.fields) {
      for (const field of form.querySelectorAll(`[name="${CSS.escape(name)}"]`)) {
        if (field.type === "radio") field.checked = field.value === value;
        else field.value = value;
      }
    }
    form.querySelector("input:checked, textarea, select")?.dispatchEvent(new Event("change", { bubbles: true }));
  }

  offer?.addEventListener("click", async (event) => {
    const restores = event.target.matches("[data-restore]");
    if (!restores && !event.target.matches("[data-discard]")) return;
    offer.hidden = true;
    const copy = restores && (await opened());
    if (copy) restore(copy);
    else wipe();
  });

  if (store) {
    forgetOld();
    setInterval(forgetOld, 3600 * 1000);
    propose();
  }

  /* ── One window writes ────────────────────────────────────────────────────────────────────── */

  const lease = document.getElementById("lease");
  const tabField = form.querySelector("[name=tab]");

  function newTab() {
    return Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16).padStart(2, "0")).join("");
  }

  /* A reload is the same window; a copy of it brings the same word along, and finds it taken. */
  function nameOfTab(then) {
    const known = sessionStorage.getItem("anju tab") || newTab();
    const use = (name) => {
      sessionStorage.setItem("anju tab", name);
      then(name);
    };
    if (!navigator.locks) return use(known);
    const ask = (name, otherwise) =>
      navigator.locks.request("anju tab " + name, { ifAvailable: true }, (held) => {
        if (!held) return otherwise();
        use(name);
        return new Promise(() => {});
      });
    /* The page before this one in the same window may not have let go yet. */
    const askNew = () => void ask(newTab(), () => {});
    ask(known, () => void setTimeout(() => ask(known, askNew), 400));
  }

  function body(more) {
    const parts = new FormData();
    const token = document.cookie.match(/(?:^|; )csrftoken=([^;]+)/);
    parts.set("csrfmiddlewaretoken", token ? token[1] : form.querySelector("[name=csrfmiddlewaretoken]").value);
    parts.set("tab", tabField.value);
    if (more) parts.set(more, "1");
    return parts;
  }

  async function beat() {
    try {
      const reply = await fetch(lease.dataset.url, { method: "POST", body: body(), credentials: "same-origin" });
      if (!reply.ok || reply.redirected) return;
      const words = await reply.text();
      const isHeld = words.includes("held");
      const wasHeld = lease.querySelector(".held") !== null;
      if (wasHeld && !isHeld) return location.reload();
      if (!wasHeld && isHeld) lease.innerHTML = words;
      if (isHeld && writable()) document.dispatchEvent(new CustomEvent("anju:read-only"));
    } catch (offline) {
      /* The next beat says it again. */
    }
  }

  if (lease && writable()) {
    nameOfTab((name) => {
      tabField.value = name;
      beat();
      setInterval(beat, BEAT);
      document.addEventListener("htmx:afterOnLoad", () => document.querySelector("#lock-line .conflict") && beat());
      /* Shut or left, the window lets go at once; taking over it comes back to the same page. */
      let comesBack = false;
      lease.addEventListener("submit", () => (comesBack = true));
      addEventListener("pagehide", () => comesBack || navigator.sendBeacon(lease.dataset.url, body("release")));
    });
  }
})();
