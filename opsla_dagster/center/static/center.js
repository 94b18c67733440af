// Comforts that the pages do without where scripts are off: the slider beside the field of the instant, sliders that ask by themselves, and a word
// when newer figures are there.

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

// A slider says what it stands at while it is dragged, and asks when it is let go of.
function startWhatIf(form) {
  let isDragged = false;
  form.querySelectorAll("input[type=range]").forEach((slider) => {
    const shown = slider.closest("label").querySelector("output");
    slider.addEventListener("pointerdown", () => { isDragged = true; });
    slider.addEventListener("keydown", () => { isDragged = false; });
    slider.addEventListener("input", () => { shown.textContent = `${slider.value}%`; });
    slider.addEventListener("change", () => { if (isDragged) form.requestSubmit(); });
  });
}

// A form says only what was chosen: the address stays short enough to be sent to somebody.
function leaveOutEmpty(form) {
  form.addEventListener("formdata", (event) => {
    for (const [name, value] of [...event.formData]) if (value === "") event.formData.delete(name);
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
watchForNewer(document.querySelector(".notice"));
