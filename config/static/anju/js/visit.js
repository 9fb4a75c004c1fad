/* The visit form: what is typed is saved by itself, sections by Alt+1…9, U answers "no change", Ctrl+Enter previews.
   Saving goes through HTMX; the server's reply brings the next version, the ratios and what is missing. */
(function () {
  "use strict";

  const form = document.getElementById("visit-form");
  if (!form) return;
  const answers = document.querySelector(".answers");
  const sections = Array.from(answers.querySelectorAll("section"));
  const links = () => Array.from(document.querySelectorAll(".sections a[href^='#s-']"));
  const phone = matchMedia("(max-width: 760px)");
  const saved = () => document.getElementById("saved");
  let offline = false;

  answers.classList.add("one-at-a-time");

  function show(section, scroll) {
    if (!section) return;
    sections.forEach((other) => other.classList.toggle("current", other === section));
    links().forEach((link) => link.classList.toggle("on", link.hash === "#" + section.id));
    const on = links().find((link) => link.hash === "#" + section.id);
    if (phone.matches) {
      on?.scrollIntoView({ inline: "center", block: "nearest" });
      scrollTo({ top: 0 });
    } else if (scroll) section.querySelector("h2").scrollIntoView({ block: "start" });
  }

  function goTo(hash) {
    const target = document.getElementById(hash.slice(1));
    if (!target) return;
    show(target.closest("section"), target.matches("section"));
    if (!target.matches("section")) {
      target.scrollIntoView({ block: "center" });
      target.querySelector("input:checked, input:not([type=hidden]), select, textarea, a:not(.attach)")?.focus({ preventScroll: true });
    }
  }

  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[href^='#s-'], a[href^='#i-']");
    if (link) {
      event.preventDefault();
      goTo(link.hash);
    }
  });

  /* A file for one question: it is chosen in the list of files, then the device asks which file. */
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-proves]");
    const picker = link && document.querySelector("#files input[type=file]");
    if (!picker) return;
    event.preventDefault();
    const chosen = picker.form.querySelector("select[name=item]");
    const before = chosen.value;
    chosen.value = link.dataset.proves;
    picker.addEventListener("cancel", () => (chosen.value = before), { once: true });
    picker.click();
  });

  /* Click, tap and Enter all ask for the preview; only the button inside the preview submits. */
  form.addEventListener("submit", (event) => {
    clearTimeout(timer);
    if (event.submitter?.matches("[data-submit]")) return;
    if (event.submitter?.matches("[formaction]")) {
      if (!ticked(event.submitter)) return;
      event.preventDefault();
      return;
    }
    event.preventDefault();
    save("preview");
  });

  /* A request that the form has a place for is ticked there; any other opens its section first. */
  function ticked(button) {
    const place = form.querySelector(`[name="now.request"][value="${CSS.escape(button.value)}"]`);
    if (!button.matches("[data-request]") || !place || form.dataset.locked) return false;
    place.checked = true;
    place.dispatchEvent(new Event("change", { bubbles: true }));
    goTo(document.getElementById("i-request_note") ? "#i-request_note" : "#i-request");
    return true;
  }

  /* One request at a time: the next one reads the version that the last one brought. A preview that
     was asked for while another save was on its way stays asked for until it is sent. */
  let timer;
  const wanted = form.querySelector("[name=then]");
  function save(then) {
    clearTimeout(timer);
    if (form.dataset.locked) return;
    if (then) wanted.value = then;
    window.htmx.trigger(form, "save");
  }
  form.addEventListener("htmx:configRequest", () => (wanted.value = ""));

  const saveSoon = (delay) => {
    clearTimeout(timer);
    timer = setTimeout(() => save(""), delay);
  };
  /* The preview was made of what is saved; a field that it takes the focus from has nothing new to save, and a save on its
     way would overtake the version that is about to be handed in. */
  form.addEventListener("change", () => document.querySelector("#preview[open]") || saveSoon(300));
  form.addEventListener("input", (event) => {
    if (event.target.matches("input:not([type=radio]), textarea")) saveSoon(1200);
  });

  form.addEventListener("focusin", (event) => {
    const section = event.target.closest("section");
    if (section && !section.classList.contains("current")) {
      sections.forEach((other) => other.classList.toggle("current", other === section));
      links().forEach((link) => link.classList.toggle("on", link.hash === "#" + section.id));
    }
  });

  /* An answered question loses its mark at once; the server's word comes with the save. */
  form.addEventListener("change", (event) => {
    if (event.target.value) event.target.closest(".item")?.classList.remove("todo");
    if (event.target.value === "CHANGED") event.target.closest(".item").querySelector(".becomes .field")?.focus();
  });

  /* What follows from another answer is shown once that answer asks for it; what was said there stays in sight. */
  const followers = Array.from(answers.querySelectorAll(".item[data-follows]"));
  function isAskedFor(item) {
    const first = CSS.escape(item.dataset.follows);
    const choice = form.querySelector(`[name="choice.${first}"]:checked`)?.value;
    if (item.dataset.values === "") return choice === "CHANGED";
    const field = form.querySelector(`input[name="now.${first}"]:checked, select[name="now.${first}"]`);
    const stands = choice === "CHANGED" || field?.type === "radio" ? field?.value : item.dataset.before;
    return item.dataset.values.split(" ").includes(stands);
  }
  const isSaid = (item) => Array.from(item.querySelectorAll("input, select")).some((field) =>
    field.type === "radio" ? field.checked : field.value !== "");
  function follow() {
    for (const item of followers) item.hidden = !isAskedFor(item) && !isSaid(item);
  }
  form.addEventListener("change", follow);
  follow();

  function sameForFocused() {
    const item = document.activeElement?.closest(".item") || answers.querySelector("section.current .item.todo");
    const same = item?.querySelector("input[value=SAME]");
    if (!same || same.disabled) return;
    same.checked = true;
    same.dispatchEvent(new Event("change", { bubbles: true }));
    const todo = Array.from(answers.querySelectorAll("section.current .item.todo")).find((other) => other !== item);
    todo?.querySelector("input")?.focus();
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey && event.key === "Enter") {
      event.preventDefault();
      const confirm = document.querySelector("#preview[open] [data-submit]");
      if (confirm) confirm.click();
      else save("preview");
      return;
    }
    if (event.altKey && /^[1-9]$/.test(event.key)) {
      event.preventDefault();
      show(sections[Number(event.key) - 1], true);
      return;
    }
    const inText = event.target.closest("textarea, select, input:not([type=radio])");
    if (!event.ctrlKey && !event.altKey && !event.metaKey && event.key.toLowerCase() === "u" && !inText) sameForFocused();
  });

  document.addEventListener("htmx:sendError", () => {
    offline = true;
    saved().textContent = saved().dataset.offline;
  });
  document.addEventListener("anju:unsaved", () => (saved().textContent = saved().dataset.unsaved));
  document.addEventListener("htmx:afterOnLoad", () => (offline = false));
  setInterval(() => offline && save(""), 10000);
  addEventListener("online", () => offline && save(""));

  document.addEventListener("htmx:oobAfterSwap", (event) => {
    if (event.detail.target?.id === "preview-box") document.getElementById("preview").showModal();
  });
  document.addEventListener("htmx:afterOnLoad", () => document.querySelector("#lock-line .conflict") && lock());

  /* A second tab saved first: this one keeps its text on the screen and stops writing. */
  function lock() {
    form.dataset.locked = "1";
    form.querySelectorAll("input[type=radio], select").forEach((field) => (field.disabled = true));
    form.querySelectorAll("input:not([type=radio]):not([type=hidden]), textarea").forEach((field) => (field.readOnly = true));
    document.querySelectorAll("[data-preview]").forEach((button) => (button.disabled = true));
    scrollTo({ top: 0 });
  }

  document.addEventListener("anju:read-only", lock);
  document.addEventListener("htmx:afterSwap", (event) => event.detail.target.id === "files" && saveSoon(0));

  /* What is wrong is said below its field. Half an answer is not wrong while it is being given. */
  function markFaults() {
    const faults = new Map(
      Array.from(document.querySelectorAll("#missing [data-fault]"), (link) => [link.hash.slice(1), link])
    );
    answers.querySelectorAll("[data-answer]").forEach((box) => {
      const fault = faults.get(box.id);
      if (fault && "gap" in fault.dataset && box.contains(document.activeElement)) return;
      say(box, fault ? fault.dataset.fault : "");
    });
  }

  function say(box, words) {
    let line = box.querySelector(".why-wrong");
    box.classList.toggle("wrong", words !== "");
    box.querySelectorAll("input.field, textarea, .becomes select, [name=second_visitor]").forEach((field) => {
      if (words) {
        field.setAttribute("aria-invalid", "true");
        field.setAttribute("aria-describedby", box.id + "-wrong");
      } else field.removeAttribute("aria-invalid");
    });
    if (!words) return line?.remove();
    if (!line) {
      line = document.createElement("p");
      line.className = "why-wrong";
      (box.querySelector("textarea") ? box.querySelector("textarea").parentElement : box).append(line);
    }
    line.id = box.id + "-wrong";
    line.textContent = words;
  }

  form.addEventListener("focusout", () => setTimeout(markFaults));

  /* The text drafted from the changes, taken by one click; what was written already stays above it. */
  const taker = document.querySelector("[data-take-draft]");
  const drafted = () => document.getElementById("drafted")?.textContent.trim() || "";
  function offerDraft() {
    if (taker) taker.hidden = !drafted() || taker.parentElement.querySelector("textarea").value.includes(drafted());
  }
  taker?.addEventListener("click", () => {
    const text = taker.parentElement.querySelector("textarea");
    text.value = text.value.trim() ? text.value.trimEnd() + "\n" + drafted() : drafted();
    text.dispatchEvent(new Event("change", { bubbles: true }));
    offerDraft();
    text.focus();
  });
  form.addEventListener("input", offerDraft);

  document.addEventListener("htmx:afterOnLoad", () => {
    markFaults();
    offerDraft();
    const current = sections.find((section) => section.classList.contains("current"));
    links().forEach((link) => link.classList.toggle("on", link.hash === "#" + current?.id));
  });
  markFaults();
  offerDraft();

  const back = document.querySelector(".sections a.returned");
  const start = back && !form.dataset.locked && document.getElementById(back.hash.slice(1));
  show(start || sections.find((section) => section.querySelector(".todo")) || sections[0], Boolean(start));
  if (location.hash) goTo(location.hash);
  else if (form.dataset.land && !form.dataset.locked) goTo("#i-" + form.dataset.land);
})();
