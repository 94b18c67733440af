// Comforts that the pages do without where scripts are off: the slider beside the field of the instant, sliders that ask by
// themselves, keys for tables that scroll, and a word when newer figures are there.

const HOUR = 3_600_000;
const CHECK_SECONDS = 30;

function asField(milliseconds) {
  return new Date(milliseconds).toISOString().slice(0, 16);
}

function startSlider(form) {
  const field = form.querySelector("input[type=datetime-local]");
  const label = form.querySelector(".slider");
  const slider = label.querySelector("input");
  // Wall-clock time of the desk, counted as if it were UTC: no zone of the browser gets in between.
  const first = Date.parse(`${field.min}:00Z`);
  const last = Date.parse(`${field.max}:00Z`);
  let isDragged = false;
  label.hidden = false;
  const place = () => {
    const at = Math.min(first + slider.valueAsNumber * HOUR, last);
    field.value = asField(at);
    slider.setAttribute("aria-valuetext", field.value.replace("T", " "));
  };
  slider.setAttribute("aria-valuetext", field.value.replace("T", " "));
  slider.addEventListener("pointerdown", () => { isDragged = true; });
  slider.addEventListener("input", place);
  // With keys one goes step by step: Enter shows what was chosen.
  slider.addEventListener("change", () => { if (isDragged) form.requestSubmit(); });
  slider.addEventListener("keydown", (event) => {
    isDragged = false;
    if (event.key === "Enter") { event.preventDefault(); form.requestSubmit(); }
  });
  field.addEventListener("input", () => {
    const at = Date.parse(`${field.value}:00Z`);
    if (!Number.isNaN(at)) slider.value = String(Math.round((at - first) / HOUR));
  });
}

// A change has a number that is sent, and a slider beside it that asks when it is let go of.
function startWhatIf(form) {
  form.querySelectorAll("input[type=range]").forEach((slider) => {
    const field = slider.parentElement.querySelector("input[name]");
    let isDragged = false;
    const words = () => slider.setAttribute("aria-valuetext", `${field.value}%`);
    slider.hidden = false;
    words();
    slider.addEventListener("pointerdown", () => { isDragged = true; });
    slider.addEventListener("keydown", (event) => {
      isDragged = false;
      if (event.key === "Enter") { event.preventDefault(); form.requestSubmit(); }
    });
    slider.addEventListener("input", () => { field.value = slider.valueAsNumber > 0 ? `+${slider.value}` : slider.value; words(); });
    slider.addEventListener("change", () => { if (isDragged) form.requestSubmit(); });
    field.addEventListener("input", () => {
      const value = Number.parseFloat(field.value);
      if (!Number.isNaN(value)) { slider.value = String(value); words(); }
    });
  });
}

// A region that scrolls by itself can be scrolled by keys, too.
function reachSideways() {
  document.querySelectorAll(".sideways").forEach((region) => {
    if (region.scrollWidth > region.clientWidth) region.tabIndex = 0;
    else region.removeAttribute("tabindex");
  });
}

// A form says only what was chosen: the address stays short enough to be sent to somebody.
function leaveOutEmpty(form) {
  form.addEventListener("formdata", (event) => {
    const isUnchanged = (name, value) => value === "" || (value === "0" && form.elements[name]?.closest(".lever")?.querySelector("input[type=range]"));
    for (const [name, value] of [...event.formData]) if (isUnchanged(name, value)) event.formData.delete(name);
  });
}

function watchForNewer(notice) {
  const { generation, root } = document.body.dataset;
  if (!generation) return;
  const look = async () => {
    if (document.hidden) return;
    try {
      const answer = await fetch(`${root}/api/generation`, { cache: "no-store" });
      if (!answer.ok || (await answer.json()).generation === generation) return;
    } catch {
      return; // stopped, or out of reach: the next check will show
    }
    clearInterval(timer);
    window.removeEventListener("focus", look);
    notice.querySelector("a").href = location.href;
    notice.hidden = false;
  };
  const timer = setInterval(look, CHECK_SECONDS * 1000);
  window.addEventListener("focus", look);
}

const instant = document.querySelector("form.instant");
if (instant) startSlider(instant);
document.querySelectorAll("form.what-if").forEach(startWhatIf);
document.querySelectorAll("form").forEach(leaveOutEmpty);
reachSideways();
window.addEventListener("resize", reachSideways);
watchForNewer(document.querySelector(".notice"));
