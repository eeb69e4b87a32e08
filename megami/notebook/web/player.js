// The player's face: rows to choose from, a picture of each, a play head, keys.

const { Widget, Transport, makeEngine, listenToLane, drawOverview, overviewOf, brightnessRamp, shuffled } = PARTS;
const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

// A name of a file may go on in a new line after each underscore.
const breakable = (name) =>
  (name.match(/[^_]*_|[^_]+/g) ?? []).flatMap((part, index) => (index ? [document.createElement("wbr"), part] : [part]));

class Player extends Widget {
  constructor(host, look) {
    super(host, look);
    this.items = this.config.items;
    this.order = this.items.map((_, index) => index); // row -> item
    this.blind = false;
    this.engine = makeEngine(host, this.config);
    this.#fill();
    this.transport = new Transport(this, this.engine, { onregion: (region) => this.#showRegion(region) });
    this.#listen();
    this.#select(0);
    if (this.config.group) this.#takeOver();
    this.begin();
  }

  /** Goes on where the player before it in its group was: a live widget puts a new one in its place at every change. */
  #takeOver() {
    const groups = (window.megamiGroups ??= {});
    const before = groups[this.config.group];
    groups[this.config.group] = this;
    if (!before) return;
    const { engine, transport } = before;
    const playing = engine.playing;
    this.transport.seek(engine.position());
    if (engine.index < this.items.length) this.#select(engine.index);
    if (transport.looping) this.transport.toggleLoop();
    if (playing) this.transport.play(); // which pauses the one before
  }

  // ---- building ----

  #fill() {
    this.panel.classList.toggle("single", this.items.length === 1);
    this.$(".blind").hidden = this.items.length < 2;
    this.$(".focus-note").hidden = this.config.keys === "page";
    this.rows = this.items.map((_, row) => this.#makeRow(row));
    this.$(".items").replaceChildren(...this.rows.map((row) => row.element));
    this.#fillRows();
  }

  #makeRow(number) {
    const element = document.createElement("li");
    element.className = "item";
    element.innerHTML = `
      <button type="button" class="choose" aria-pressed="false">
        <span class="key" aria-hidden="true"></span>
        <span class="words"><span class="name"></span><span class="caption"></span><span class="level"></span></span>
      </button>
      <div class="lane">
        <canvas aria-hidden="true"></canvas><div class="region" hidden></div><div class="head"></div>
      </div>`;
    const part = (name) => element.querySelector(name);
    const row = {
      element, choose: part(".choose"), key: part(".key"), name: part(".name"), caption: part(".caption"),
      level: part(".level"), lane: part(".lane"), canvas: part("canvas"), region: part(".region"), head: part(".head"),
    };
    row.choose.addEventListener("click", () => this.#select(this.order[number]));
    listenToLane(row.lane, this.config.seconds, {
      marking: (region) => this.#showRegion(region),
      cancelled: () => this.#showRegion(this.transport.region),
      pressed: (seconds) => (this.#select(this.order[number]), this.transport.seek(seconds)),
      marked: (region) => (this.#select(this.order[number]), this.transport.markRegion(region)),
    });
    return row;
  }

  #fillRows() {
    this.rows.forEach((row, number) => {
      const item = this.items[this.order[number]];
      const letter = LETTERS[number % LETTERS.length];
      row.key.textContent = this.blind ? letter : number < 9 ? number + 1 : letter;
      row.name.replaceChildren(...breakable(this.blind ? `Version ${letter}` : item.title));
      row.caption.textContent = this.blind ? "" : item.caption;
      row.level.textContent = this.blind ? "" : item.level;
      row.level.title = this.blind ? "" : item.levelLong;
    });
    this.draw();
  }

  // ---- what the reader does ----

  #listen() {
    this.$(".blind").addEventListener("click", () => this.toggleBlind());
    this.listenToKeys((key) => this.#actionOf(key));
  }

  #actionOf(key) {
    const actions = {
      ArrowUp: () => this.#selectRow(this.#activeRow() - 1),
      ArrowDown: () => this.#selectRow(this.#activeRow() + 1),
      x: () => this.toggleBlind(),
      "?": () => this.toggleHelp(),
    };
    if (Object.hasOwn(actions, key)) return actions[key];
    const row = key.length === 1 ? Math.max("123456789".indexOf(key), "abcdefghi".indexOf(key)) : -1;
    return row >= 0 ? () => this.#selectRow(row) : this.transport.actionOf(key);
  }

  toggleBlind() {
    const hidden = this.order.map((item, row) => `${LETTERS[row % LETTERS.length]} was ${this.items[item].title}`);
    this.blind = !this.blind;
    this.order = this.blind ? shuffled(this.items.length) : this.items.map((_, index) => index);
    this.$(".blind").setAttribute("aria-pressed", this.blind);
    this.panel.classList.toggle("blinded", this.blind);
    this.#fillRows();
    this.#select(this.blind ? this.order[0] : this.engine.index);
    const promise = "Names are hidden and shuffled. Press Blind again to see what was what.";
    this.say(this.blind ? promise : `${hidden.join(", ")}.`);
  }

  #activeRow() {
    return this.order.indexOf(this.engine.index);
  }

  #selectRow(row) {
    if (row in this.order) this.#select(this.order[row]);
  }

  #select(item) {
    this.transport.select(item);
    this.rows.forEach((row, number) => {
      const active = this.order[number] === item;
      row.choose.setAttribute("aria-pressed", active);
      row.element.classList.toggle("active", active);
    });
  }

  // ---- what is shown ----

  #showRegion(region) {
    for (const row of this.rows) {
      row.region.hidden = !region;
      if (!region) continue;
      row.region.style.left = `${(100 * region.start) / this.config.seconds}%`;
      row.region.style.width = `${(100 * (region.end - region.start)) / this.config.seconds}%`;
    }
  }

  draw() {
    const ramp = brightnessRamp(this.panel);
    const line = getComputedStyle(this.panel).getPropertyValue("--line");
    this.rows.forEach((row, number) => {
      const item = this.items[this.order[number]];
      drawOverview(row.canvas, this.blind ? null : overviewOf(item), ramp, line);
    });
  }
}
