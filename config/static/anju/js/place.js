/* Where a photo is taken, asked of the device only once the borrower has agreed; without it the photo is kept all the same. */
(function () {
  "use strict";

  const NAMES = ["latitude", "longitude", "accuracy"];
  let place = null;

  function fill(form) {
    const agreed = form.querySelector("[data-place]").checked;
    for (const name of NAMES) form.querySelector(`[name=${name}]`).value = agreed && place ? place[name] : "";
    const line = form.querySelector("[data-place-said]");
    if (!agreed) line.textContent = "";
    else if (place) line.textContent = line.dataset.found.replace("%s", place.accuracy);
  }

  function ask(form) {
    const none = () => {
      const line = form.querySelector("[data-place-said]");
      line.textContent = line.dataset.none;
    };
    if (!navigator.geolocation) return none();
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => {
        place = {
          latitude: coords.latitude.toFixed(6),
          longitude: coords.longitude.toFixed(6),
          accuracy: Math.ceil(coords.accuracy),
        };
        fill(document.querySelector("[data-place]")?.form || form);
      },
      none,
      { enableHighAccuracy: true, timeout: 10000, maximumAge: 60000 }
    );
  }

  document.addEventListener("change", (event) => {
    if (!event.target.matches("[data-place]")) return;
    place = null;
    fill(event.target.form);
    if (event.target.checked) ask(event.target.form);
  });

  /* The list came anew with the photo in it: the next one is taken at another spot. */
  document.addEventListener("htmx:afterSwap", (event) => {
    const box = event.detail.target.id === "files" && document.querySelector("#files [data-place]");
    if (box && box.checked) ask(box.form);
  });
})();
