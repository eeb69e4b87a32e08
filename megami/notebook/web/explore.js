// Explore: a slider, a pad or a map chooses one of many renderings. Its sound and its picture fade in where the others were.

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
    if (this.config.map) this.#makeMap(this.config.map);
    else if (axes.length === 2) this.#makePad();
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
    const last = this.axes.map((axis) => axis.values.length - 1);
    this.spots = this.config.items.map((place) => place.map((step, number) => step / Math.max(1, last[number])));
    this.#makePlane(this.axes.map((axis) => axis.label));
    this.#listenToPlane((shares) => this.#go(shares.map((share, number) => this.#step(number, share * last[number]))));
  }

  /** Dots anywhere, of which the nearest to the pointer is chosen. */
  #makeMap({ labels, places, groups, names, colours }) {
    this.panel.classList.add("with-map");
    this.spots = places;
    const coloured = (element, group) => {
      element.className = "of-group";
      colours[group].forEach((colour, dark) => element.style.setProperty(dark ? "--dark" : "--light", colour));
    };
    this.#makePlane(labels).forEach((dot, index) => coloured(dot, groups[index]));
    for (const [group, name] of names.entries()) {
      const entry = document.createElement("span");
      const swatch = document.createElement("i");
      coloured(swatch, group);
      entry.append(swatch, name);
      this.$(".groups").append(entry);
    }
    this.#listenToPlane((shares) => this.#go([this.#nearest(shares)[0]]));
  }

  /** Numbers of the items, those whose dots are nearest to a place first. */
  #nearest([x, y]) {
    const away = this.spots.map(([across, up]) => Math.hypot(across - x, up - y));
    return away.map((_, index) => index).sort((one, other) => away[one] - away[other]);
  }

  #makePlane([across, up]) {
    this.panel.classList.add("with-pad");
    this.$(".pad").hidden = false;
    this.$(".up").textContent = up && `↑ ${up}`;
    this.$(".across").textContent = across && `${across} →`;
    return this.spots.map(([x, y]) => {
      const dot = document.createElement("i");
      dot.style.left = `${100 * x}%`;
      dot.style.bottom = `${100 * y}%`;
      this.$(".dots").append(dot);
      return dot;
    });
  }

  #listenToPlane(choose) {
    const plane = this.$(".plane");
    const follow = (event) => {
      const box = this.$(".dots").getBoundingClientRect();
      choose([(event.clientX - box.left) / box.width, (box.bottom - event.clientY) / box.height]);
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
    if (this.config.map) {
      const [place] = this.place;
      return [...new Set([...this.#nearest(this.spots[place]).slice(0, 4), place - 1, place + 1])]
        .filter((index) => index in this.spots);
    }
    const steps = [-1, 0, 1];
    const places = this.axes.length === 1
      ? steps.map((step) => [this.place[0] + step])
      : steps.flatMap((x) => steps.map((y) => [this.place[0] + x, this.place[1] + y]));
    return places.map((place) => this.at.get(place.join())).filter((index) => index !== undefined);
  }

  // ---- what is shown ----

  #show() {
    this.sliders.forEach(({ input, value }, number) => {
      const words = this.axes[number].values[this.place[number]];
      input.value = this.place[number];
      input.setAttribute("aria-valuetext", words);
      value.textContent = words;
    });
    if (this.spots) {
      const [across, up] = this.spots[this.index];
      this.$(".plane").style.setProperty("--across", across);
      this.$(".plane").style.setProperty("--up", up);
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
