// Play, pause, seek, loop: what every widget with sound has in common. Its elements stand in transport.html.

const SEEK_SECONDS = 2;
const DECODED_BYTES_LIMIT = 800e6; // beyond this, stream: a phone would give up
const PLAY_EVENT = "megami-play"; // when one widget starts, the others pause

// The event reaches the widgets of this page, the channel those of other frames: in Colab every output is one.
const otherFrames = (() => {
  try {
    return new BroadcastChannel(PLAY_EVENT);
  } catch {
    return null; // a browser, or a sandbox, without channels
  }
})();

const minutes = (seconds, digits = 0) => {
  const rounded = Math.floor(seconds * 10 ** digits + 1e-6) / 10 ** digits;
  const rest = (rounded % 60).toFixed(digits).padStart(digits ? 3 + digits : 2, "0");
  return `${Math.floor(rounded / 60)}:${rest}`;
};

/** The engine for the <audio> elements inside a host, or for some of them. */
function makeEngine(host, { seconds, sampleRate, channels }, elements = [...host.querySelectorAll("audio")]) {
  const urls = elements.map((element) => element.getAttribute("src"));
  const unreadable = location.protocol === "file:" && urls.some((url) => !url.startsWith("data:"));
  const decodedBytes = urls.length * seconds * sampleRate * channels * 4;
  const stream = unreadable || decodedBytes > DECODED_BYTES_LIMIT || typeof AudioContext === "undefined";
  return stream ? new StreamEngine(elements, seconds) : new BufferEngine(urls, seconds, sampleRate);
}

class Transport {
  /** widget: a Widget whose template holds transport.html; onmove(seconds) and onregion(region) follow what is shown. */
  constructor(widget, engine, { onmove = () => {}, onregion = () => {} } = {}) {
    Object.assign(this, { widget, engine, onmove, onregion });
    this.duration = engine.duration;
    this.region = null; // a marked phrase {start, end}
    this.looping = false;
    engine.onend = () => this.showPlaying();
    const { $ } = widget;
    $(".total").textContent = ` / ${minutes(this.duration + 0.05, 1)}`;
    $(".seek").max = this.duration;
    $(".play").addEventListener("click", () => this.toggle());
    $(".loop").addEventListener("click", () => this.toggleLoop());
    $(".seek").addEventListener("input", (event) => this.seek(Number(event.target.value)));
    document.addEventListener(PLAY_EVENT, (event) => event.detail !== this && this.#makeWay());
    otherFrames?.addEventListener("message", () => this.#makeWay());
    this.showPosition();
  }

  /** What a key does here, if anything. */
  actionOf(key) {
    const actions = {
      " ": () => this.toggle(),
      ArrowLeft: () => this.seek(this.engine.position() - SEEK_SECONDS),
      ArrowRight: () => this.seek(this.engine.position() + SEEK_SECONDS),
      Home: () => this.seek(0),
      l: () => this.toggleLoop(),
    };
    if (key === "Escape" && this.region) return () => this.markRegion(null);
    return Object.hasOwn(actions, key) ? actions[key] : undefined;
  }

  #makeWay() {
    if (this.engine.playing) this.pause();
  }

  toggle() {
    return this.engine.playing ? this.pause() : this.play();
  }

  async play() {
    document.dispatchEvent(new CustomEvent(PLAY_EVENT, { detail: this }));
    otherFrames?.postMessage("play");
    this.widget.say("Loading…", 300);
    const started = this.engine.play();
    this.showPlaying();
    try {
      await started;
      this.widget.say("");
      await this.engine.loadAll(); // ready before they are asked for
    } catch (error) {
      this.pause();
      this.complain(error);
    }
  }

  pause() {
    this.engine.pause();
    this.showPlaying();
  }

  seek(seconds) {
    const { region } = this;
    if (region && (seconds < region.start || seconds >= region.end)) this.markRegion(null);
    this.engine.seek(seconds);
    this.showPosition();
  }

  select(index) {
    this.engine.select(index).catch((error) => this.complain(error));
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
    this.widget.$(".loop").setAttribute("aria-pressed", this.looping);
    this.onregion(this.region);
    this.showPosition();
  }

  complain(error) {
    this.widget.say(`This browser could not load the sound (${error.message}).`);
  }

  showPlaying() {
    const { playing } = this.engine;
    const button = this.widget.$(".play");
    button.setAttribute("aria-pressed", playing);
    button.setAttribute("aria-label", playing ? "Pause" : "Play");
    this.#tick();
  }

  /** Moves the play head while the song plays; stops the sound when the widget was taken off the page. */
  #tick() {
    if (!this.widget.host.isConnected && this.engine.playing) this.engine.pause();
    this.showPosition();
    cancelAnimationFrame(this.frame);
    if (this.engine.playing) this.frame = requestAnimationFrame(() => this.#tick());
  }

  showPosition() {
    const position = Math.min(this.engine.position(), this.duration);
    const { $, panel } = this.widget;
    $(".now").textContent = minutes(position, 1);
    $(".seek").value = position;
    $(".seek").setAttribute("aria-valuetext", `${minutes(position)} of ${minutes(this.duration)}`);
    panel.style.setProperty("--played", `${(100 * position) / this.duration}%`);
    this.onmove(position);
  }
}
