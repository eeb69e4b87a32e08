// One axis for one question, with a numbered handle for each version: moved by mouse, finger or keys.

const CLICK_PIXELS = 4; // less is a click with an unsteady hand
const HANDLE_PIXELS = 34;
const MOST_LEVELS = 3; // handles that stand close are drawn one above the other

class RatingAxis {
  /** values, moved: of each handle, changed in place. heard(index): a handle was clicked; changed(): one was moved. */
  constructor(question, values, moved, { heard, changed }) {
    Object.assign(this, { question, values, moved, heard, changed });
    this.element = document.createElement("div");
    this.element.className = "question";
    this.element.innerHTML = `
      <h5></h5>
      <div class="axis" role="group"><div class="rail"></div></div>
      <div class="ends" aria-hidden="true"><span></span><span></span></div>`;
    this.element.querySelector("h5").textContent = question.words;
    this.element.querySelector(".axis").setAttribute("aria-label", question.words);
    const [low, high] = this.element.querySelectorAll(".ends span");
    low.textContent = question.low;
    high.textContent = question.high;
    this.rail = this.element.querySelector(".rail");
    this.handles = values.map((_, index) => this.#makeHandle(index));
    this.rail.replaceChildren(...this.handles);
    this.show();
  }

  #makeHandle(index) {
    const handle = document.createElement("div");
    handle.className = "handle";
    handle.innerHTML = `<span class="number">${index + 1}</span>`;
    const settings = {
      role: "slider", tabindex: 0, "aria-valuemin": 0, "aria-valuemax": 100, "aria-label": `Version ${index + 1}`,
    };
    for (const [name, value] of Object.entries(settings)) handle.setAttribute(name, value);
    handle.addEventListener("keydown", (event) => this.#key(event, index));
    handle.addEventListener("click", (event) => event.stopPropagation()); // the focus stays on the handle
    this.#listenToPointer(handle, index);
    return handle;
  }

  #listenToPointer(handle, index) {
    let from = null;
    handle.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      from = { x: event.clientX, value: this.values[index], dragged: false };
      handle.setPointerCapture(event.pointerId);
      handle.focus({ preventScroll: true });
      this.heard(index);
    });
    handle.addEventListener("pointermove", (event) => {
      if (!from || (!from.dragged && Math.abs(event.clientX - from.x) < CLICK_PIXELS)) return;
      from.dragged = true;
      handle.classList.add("dragged");
      this.#move(index, from.value + (100 * (event.clientX - from.x)) / this.rail.clientWidth, false);
    });
    for (const end of ["pointerup", "pointercancel"]) {
      handle.addEventListener(end, () => {
        if (from?.dragged) this.#move(index, this.values[index]);
        handle.classList.remove("dragged");
        from = null;
      });
    }
  }

  #key(event, index) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const value = this.values[index];
    const places = {
      ArrowLeft: value - 1, ArrowDown: value - 1, ArrowRight: value + 1, ArrowUp: value + 1,
      PageDown: value - 10, PageUp: value + 10, Home: 0, End: 100,
    };
    if (Object.hasOwn(places, event.key)) this.#move(index, places[event.key]);
    else if (event.key === "Enter") this.heard(index);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** settled: not in the middle of a drag. */
  #move(index, value, settled = true) {
    this.values[index] = Math.round(Math.min(Math.max(0, value), 100));
    this.moved[index] = true;
    this.show(settled);
    if (settled) this.changed();
  }

  focus(index) {
    this.handles[index].focus({ preventScroll: true });
  }

  /** chosen: the version that is heard. */
  choose(chosen) {
    this.handles.forEach((handle, index) => handle.classList.toggle("chosen", index === chosen));
  }

  show(settled = true) {
    this.handles.forEach((handle, index) => {
      const value = this.values[index];
      handle.style.setProperty("--at", `${value}%`);
      handle.classList.toggle("moved", this.moved[index]);
      handle.setAttribute("aria-valuenow", value);
      const place = `${value} of 100 from ${this.question.low} to ${this.question.high}`;
      handle.setAttribute("aria-valuetext", this.moved[index] ? place : `${place}, not moved yet`);
    });
    if (settled) this.layOut();
  }

  /** Each handle on the lowest level where it covers no other. */
  layOut() {
    const width = this.rail.clientWidth || 600;
    const levels = Math.min(this.values.length, MOST_LEVELS);
    const ends = Array(levels).fill(-Infinity);
    const byPlace = this.values.map((_, index) => index).sort((one, other) => this.values[one] - this.values[other]);
    for (const index of byPlace) {
      const at = (this.values[index] / 100) * width;
      const free = ends.findIndex((end) => at - end >= HANDLE_PIXELS);
      const level = free >= 0 ? free : ends.indexOf(Math.min(...ends));
      ends[level] = at;
      this.handles[index].style.setProperty("--level", level);
    }
    this.rail.style.setProperty("--levels", levels);
  }
}
