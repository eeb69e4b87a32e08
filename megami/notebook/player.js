// The player's face: rows to choose from, a picture of each, a play head, keys. Everything lives in a shadow root, so
// that a page may hold many players and neither side's styles touch the other's.

const SEEK_SECONDS = 2;
const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const DECODED_BYTES_LIMIT = 800e6; // beyond this, stream: a phone would give up
const FIELDS_PER_COLUMN = 5; // left RMS, left peak, right RMS, right peak, brightness (overview.py)
const PLAY_EVENT = "megami-player-play"; // when one player starts, the others on the page pause

// A name of a file may go on in a new line after each underscore.
const breakable = (name) =>
  (name.match(/[^_]*_|[^_]+/g) ?? []).flatMap((part, index) => (index ? [document.createElement("wbr"), part] : [part]));

const minutes = (seconds, digits = 0) => {
  const rounded = Math.floor(seconds * 10 ** digits + 1e-6) / 10 ** digits;
  const rest = (rounded % 60).toFixed(digits).padStart(digits ? 3 + digits : 2, "0");
  return `${Math.floor(rounded / 60)}:${rest}`;
};

/** A random order (Fisher-Yates). */
function shuffled(count) {
  const order = [...Array(count).keys()];
  for (let last = count - 1; last > 0; last -= 1) {
    const other = Math.floor(Math.random() * (last + 1));
    [order[last], order[other]] = [order[other], order[last]];
  }
  return order;
}

class MegamiPlayer {
  constructor(host, template, style) {
    this.host = host;
    this.config = JSON.parse(host.dataset.player);
    this.items = this.config.items;
    this.duration = this.config.seconds;
    this.order = this.items.map((_, index) => index); // row -> item
    this.blind = false;
    this.region = null; // a marked phrase {start, end}
    this.looping = false;
    this.engine = this.#makeEngine();
    this.engine.onend = () => this.#showPlaying();
    const root = host.attachShadow({ mode: "open" });
    root.innerHTML = `<style>${style}</style>${template}`;
    this.$ = (selector) => root.querySelector(selector);
    this.#fill();
    this.#listen();
    this.#followTheme();
    this.#select(0);
    this.#tick();
    host.megamiPlayer = this;
  }

  #makeEngine() {
    const elements = [...this.host.querySelectorAll("audio")];
    const urls = elements.map((element) => element.getAttribute("src"));
    const unreadable = location.protocol === "file:" && urls.some((url) => !url.startsWith("data:"));
    const decodedBytes = this.items.length * this.duration * this.config.sampleRate * this.config.channels * 4;
    const stream = unreadable || decodedBytes > DECODED_BYTES_LIMIT || typeof AudioContext === "undefined";
    return stream
      ? new StreamEngine(elements, this.duration)
      : new BufferEngine(urls, this.duration, this.config.sampleRate);
  }

  // ---- building ----

  #fill() {
    this.$(".player").setAttribute("aria-label", this.config.title || "Compare by ear");
    this.$(".player").classList.toggle("single", this.items.length === 1);
    this.$(".title").textContent = this.config.title;
    this.$(".title").hidden = !this.config.title;
    this.$(".total").textContent = ` / ${minutes(this.duration + 0.05, 1)}`;
    this.$(".seek").max = this.duration;
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
    listenToLane(row.lane, this.duration, {
      marking: (region) => this.#showRegion(region),
      cancelled: () => this.#showRegion(this.region),
      pressed: (seconds) => (this.#select(this.order[number]), this.seek(seconds)),
      marked: (region) => (this.#select(this.order[number]), this.markRegion(region)),
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
    this.#drawAll();
  }

  // ---- what the reader does ----

  #listen() {
    const panel = this.$(".player");
    this.$(".play").addEventListener("click", () => this.toggle());
    this.$(".loop").addEventListener("click", () => this.toggleLoop());
    this.$(".blind").addEventListener("click", () => this.toggleBlind());
    this.$(".help").addEventListener("click", () => this.toggleHelp());
    this.$(".seek").addEventListener("input", (event) => this.seek(Number(event.target.value)));
    // After a mouse click the panel takes the focus, so that space means play; with the keyboard, focus stays.
    panel.addEventListener("click", (event) => {
      if (event.detail > 0 && !event.target.closest("input")) panel.focus({ preventScroll: true });
    });
    const keyTarget = this.config.keys === "page" ? document : this.host;
    keyTarget.addEventListener("keydown", (event) => this.#onKey(event));
    document.addEventListener(PLAY_EVENT, (event) => {
      if (event.detail !== this && this.engine.playing) this.pause();
    });
    new ResizeObserver(() => this.#drawAll()).observe(this.$(".items"));
  }

  #onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    const target = event.composedPath()[0];
    if (target.isContentEditable) return;
    if (target.matches?.("textarea, select, input:not([type=range])")) return;
    if ((event.key === " " || event.key === "Enter") && target.matches?.("button, a, summary, audio")) return;
    const action = this.#actionOf(event.key);
    if (!action) return;
    event.preventDefault();
    event.stopPropagation();
    action();
  }

  #actionOf(key) {
    const actions = {
      " ": () => this.toggle(),
      ArrowLeft: () => this.seek(this.engine.position() - SEEK_SECONDS),
      ArrowRight: () => this.seek(this.engine.position() + SEEK_SECONDS),
      ArrowUp: () => this.#selectRow(this.#activeRow() - 1),
      ArrowDown: () => this.#selectRow(this.#activeRow() + 1),
      Home: () => this.seek(0),
      Escape: () => this.markRegion(null),
      l: () => this.toggleLoop(),
      x: () => this.toggleBlind(),
      "?": () => this.toggleHelp(),
    };
    const name = key.length === 1 ? key.toLowerCase() : key;
    if (name === "Escape" && !this.region) return undefined;
    if (Object.hasOwn(actions, name)) return actions[name];
    const row = Math.max("123456789".indexOf(name), "abcdefghi".indexOf(name));
    return name.length === 1 && row >= 0 ? () => this.#selectRow(row) : undefined;
  }

  // ---- what the player does (also callable from outside: host.megamiPlayer) ----

  toggle() {
    return this.engine.playing ? this.pause() : this.play();
  }

  async play() {
    document.dispatchEvent(new CustomEvent(PLAY_EVENT, { detail: this }));
    this.#say("Loading…", 300);
    const started = this.engine.play();
    this.#showPlaying();
    try {
      await started;
      this.#say("");
      await Promise.all(this.items.map((_, index) => this.engine.load(index))); // ready before they are asked for
    } catch (error) {
      this.engine.pause();
      this.#showPlaying();
      this.#say(`This browser could not load the sound (${error.message}).`);
    }
  }

  pause() {
    this.engine.pause();
    this.#showPlaying();
  }

  seek(seconds) {
    const { region } = this;
    if (region && (seconds < region.start || seconds >= region.end)) this.markRegion(null);
    this.engine.seek(seconds);
    this.#showPosition();
  }

  toggleLoop() {
    this.looping = !this.looping;
    this.#applyLoop();
  }

  markRegion(region) {
    this.region = region && region.end - region.start >= 0.1 ? region : null;
    this.looping = Boolean(this.region);
    this.#applyLoop();
  }

  #applyLoop() {
    const whole = { start: 0, end: this.duration };
    this.engine.setLoop(this.looping ? this.region || whole : null);
    this.$(".loop").setAttribute("aria-pressed", this.looping);
    this.#showRegion(this.region);
    this.#showPosition();
  }

  toggleBlind() {
    const hidden = this.order.map((item, row) => `${LETTERS[row % LETTERS.length]} was ${this.items[item].title}`);
    this.blind = !this.blind;
    this.order = this.blind ? shuffled(this.items.length) : this.items.map((_, index) => index);
    this.$(".blind").setAttribute("aria-pressed", this.blind);
    this.$(".player").classList.toggle("blinded", this.blind);
    this.#fillRows();
    this.#select(this.blind ? this.order[0] : this.engine.index);
    const promise = "Names are hidden and shuffled. Press Blind again to see what was what.";
    this.#say(this.blind ? promise : `${hidden.join(", ")}.`);
  }

  toggleHelp() {
    const keys = this.$(".keys");
    keys.hidden = !keys.hidden;
    this.$(".help").setAttribute("aria-expanded", !keys.hidden);
  }

  #activeRow() {
    return this.order.indexOf(this.engine.index);
  }

  #selectRow(row) {
    if (row in this.order) this.#select(this.order[row]);
  }

  #select(item) {
    this.engine.select(item).catch((error) => this.#say(`This browser could not load the sound (${error.message}).`));
    this.rows.forEach((row, number) => {
      const active = this.order[number] === item;
      row.choose.setAttribute("aria-pressed", active);
      row.element.classList.toggle("active", active);
    });
  }

  // ---- what is shown ----

  #say(message, delay = 0) {
    clearTimeout(this.saying);
    this.saying = setTimeout(() => (this.$(".status").textContent = message), delay);
  }

  #showPlaying() {
    const { playing } = this.engine;
    this.$(".play").setAttribute("aria-pressed", playing);
    this.$(".play").setAttribute("aria-label", playing ? "Pause" : "Play");
    this.#showPosition();
    if (playing) this.#tick();
  }

  /** Moves the play head while the song plays; stops the sound when the player was taken off the page. */
  #tick() {
    if (!this.host.isConnected && this.engine.playing) this.engine.pause();
    this.#showPosition();
    cancelAnimationFrame(this.frame);
    if (this.engine.playing) this.frame = requestAnimationFrame(() => this.#tick());
  }

  #showPosition() {
    const position = Math.min(this.engine.position(), this.duration);
    const percent = (100 * position) / this.duration;
    this.$(".now").textContent = minutes(position, 1);
    this.$(".seek").value = position;
    this.$(".seek").setAttribute("aria-valuetext", `${minutes(position)} of ${minutes(this.duration)}`);
    this.$(".player").style.setProperty("--played", `${percent}%`);
  }

  #showRegion(region) {
    for (const row of this.rows) {
      row.region.hidden = !region;
      if (!region) continue;
      row.region.style.left = `${(100 * region.start) / this.duration}%`;
      row.region.style.width = `${(100 * (region.end - region.start)) / this.duration}%`;
    }
  }

  #drawAll() {
    const style = getComputedStyle(this.$(".player"));
    const ramp = ["--low", "--mid", "--high"].map((name) => hexToRgb(style.getPropertyValue(name)));
    this.rows.forEach((row, number) => {
      const item = this.items[this.order[number]];
      drawOverview(row.canvas, this.blind ? null : overviewOf(item), ramp, style.getPropertyValue("--line"));
    });
  }

  /** Light or dark after the page behind the player, whatever theme machinery that page uses. */
  #followTheme() {
    const follow = () => {
      const theme = isDarkBehind(this.host) ? "dark" : "light";
      if (this.host.dataset.megamiTheme === theme) return;
      this.host.dataset.megamiTheme = theme;
      this.$(".player").classList.toggle("night", theme === "dark");
      this.#drawAll();
    };
    const settle = () => [0, 400].forEach((delay) => setTimeout(follow, delay)); // pages fade between their themes
    const watcher = new MutationObserver(settle);
    const attributeFilter = ["class", "style", "data-theme", "data-jp-theme-light"];
    for (const element of [document.documentElement, document.body]) watcher.observe(element, { attributeFilter });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", settle);
    follow();
  }
}
