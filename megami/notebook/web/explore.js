// Explore: a slider or a pad chooses one of many renderings. Its sound and its picture fade in where the others were.

const { Widget, Transport, makeEngine, listenToLane, drawOverview, overviewOf, brightnessRamp } = PARTS;

class Explore extends Widget {
  constructor(host, look) {
    super(host, look);
    const { axes, items, overviews, start } = this.config;
    this.axes = axes;
    this.at = new Map(items.map((place, index) => [place.join(), index])); // place -> item
    this.place = [...items[start]];
    this.sounds = overviews?.map((overview) => ({ overview }));
    this.pictures = [...host.querySelectorAll(".megami-figure")];
    this.$(".stage").replaceChildren(...this.pictures);
    const style = host.querySelector("style");
    if (style) this.panel.before(style);
    this.sliders = axes.map((axis, number) => this.#makeSlider(axis, number));
    if (axes.length === 2) this.#makePad();
    this.panel.classList.toggle("silent", !this.sounds);
    if (this.sounds) this.#makeSound();
    this.listenToKeys((key) => this.#actionOf(key));
    this.#show();
    this.begin();
  }

  get index() {
    return this.at.get(this.place.join());
  }

  // ---- building ----

  #makeSlider(axis, number) {
    const knob = document.createElement("div");
    knob.className = "knob";
    knob.innerHTML = `<label for="axis-${number}"></label><span class="value" aria-hidden="true"></span>
      <input id="axis-${number}" type="range" min="0" step="1" max="${axis.values.length - 1}">
      <span class="end" aria-hidden="true"></span><span class="end" aria-hidden="true"></span>`;
    knob.querySelector("label").textContent = axis.label;
    const [first, last] = knob.querySelectorAll(".end");
    [first.textContent, last.textContent] = [axis.values[0], axis.values.at(-1)];
    const slider = { input: knob.querySelector("input"), value: knob.querySelector(".value") };
    slider.input.addEventListener("input", () => this.#move(number, Number(slider.input.value)));
    this.$(".sliders").append(knob);
    return slider;
  }

  #makePad() {
    const [across, up] = this.axes;
    this.panel.classList.add("with-pad");
    this.$(".pad").hidden = false;
    this.$(".up").textContent = `↑ ${up.label}`;
    this.$(".across").textContent = `${across.label} →`;
    for (const place of this.config.items) {
      const dot = document.createElement("i");
      dot.style.left = `${100 * this.#share(0, place)}%`;
      dot.style.bottom = `${100 * this.#share(1, place)}%`;
      this.$(".dots").append(dot);
    }
    const plane = this.$(".plane");
    const follow = (event) => {
      const box = this.$(".dots").getBoundingClientRect();
      const x = (event.clientX - box.left) / box.width;
      const y = (box.bottom - event.clientY) / box.height;
      this.#go([x, y].map((share, number) => this.#step(number, share * (this.axes[number].values.length - 1))));
    };
    plane.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      plane.setPointerCapture(event.pointerId);
      follow(event);
    });
    plane.addEventListener("pointermove", (event) => plane.hasPointerCapture(event.pointerId) && follow(event));
  }

  #makeSound() {
    this.engine = makeEngine(this.host, this.config);
    this.engine.index = this.index;
    // A pad may hold many sounds: only those within reach are loaded.
    this.engine.loadAll = () => Promise.all(this.#near().map((index) => this.engine.load(index)));
    this.transport = new Transport(this, this.engine);
    this.transport.toggleLoop();
    const nothing = () => {};
    const go = (seconds) => this.transport.seek(seconds);
    const marked = (region) => go(region.start);
    listenToLane(this.$(".lane"), this.config.seconds, { pressed: go, marked, marking: nothing, cancelled: nothing });
  }

  // ---- what the reader does ----

  #actionOf(key) {
    const seeking = this.host.shadowRoot.activeElement === this.$(".seek");
    const steps = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowDown: [this.axes.length - 1, -1], ArrowUp: [this.axes.length - 1, 1] };
    if (Object.hasOwn(steps, key) && !seeking) {
      const [number, step] = steps[key];
      return () => {
        this.#move(number, this.place[number] + step);
        this.$(".unseen").textContent = this.axes.map((axis, n) => `${axis.label} ${axis.values[this.place[n]]}`).join(", ");
      };
    }
    return this.transport?.actionOf(key);
  }

  /** The nearest step of an axis. */
  #step(number, wanted) {
    return Math.min(Math.max(0, Math.round(wanted)), this.axes[number].values.length - 1);
  }

  #move(number, wanted) {
    this.#go(this.place.map((step, axis) => (axis === number ? this.#step(axis, wanted) : step)));
  }

  #go(place) {
    if (place.join() === this.place.join()) return;
    this.place = place;
    this.#show();
    if (!this.engine) return;
    this.transport.select(this.index);
    if (this.engine.playing) this.engine.loadAll().catch((error) => this.transport.complain(error));
  }

  /** The item chosen, and those one step away. */
  #near() {
    const steps = [-1, 0, 1];
    const places = this.axes.length === 1
      ? steps.map((step) => [this.place[0] + step])
      : steps.flatMap((x) => steps.map((y) => [this.place[0] + x, this.place[1] + y]));
    return places.map((place) => this.at.get(place.join())).filter((index) => index !== undefined);
  }

  // ---- what is shown ----

  #share(number, place) {
    return place[number] / Math.max(1, this.axes[number].values.length - 1);
  }

  #show() {
    this.sliders.forEach(({ input, value }, number) => {
      const words = this.axes[number].values[this.place[number]];
      input.value = this.place[number];
      input.setAttribute("aria-valuetext", words);
      value.textContent = words;
    });
    if (this.axes.length === 2) {
      this.$(".plane").style.setProperty("--across", this.#share(0, this.place));
      this.$(".plane").style.setProperty("--up", this.#share(1, this.place));
    }
    this.pictures.forEach((picture, index) => picture.classList.toggle("shown", index === this.index));
    this.draw();
  }

  draw() {
    if (!this.sounds) return;
    const line = getComputedStyle(this.panel).getPropertyValue("--line");
    drawOverview(this.$("canvas"), overviewOf(this.sounds[this.index]), brightnessRamp(this.panel), line);
  }
}
