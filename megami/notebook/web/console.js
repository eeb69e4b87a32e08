// The console: strips side by side, a master, settings as JSON, the mix as WAV, a target to match, a gym.

const { Widget, Transport, sharedAudioContext, compressedBytes, positionAfter, FADE_SECONDS, LEAD_SECONDS } = PARTS;
const { download, chooseTextFile, shuffled } = PARTS;

// include console-graph.js
// include console-loudness.js
// include console-wav.js
// include console-engine.js
// include console-settings.js
// include console-strip.js
// include console-target.js
// include console-measures.js
// include console-gym.js

const REST_MS = 500; // without a change before one's own mix is measured again
const PEAK_DB = -1; // where a mix that would clip is turned down to

class Console extends Widget {
  constructor(host, look) {
    super(host, look);
    const { config } = this;
    const urls = [...host.querySelectorAll("audio")].map((element) => element.getAttribute("src"));
    this.readable = location.protocol !== "file:" || urls.every((url) => url.startsWith("data:"));
    this.engine = new DeskEngine(urls, config);
    this.engine.onready = () => this.#plugIn();
    this.settings = stripsOf(config.settings, config);
    this.chosen = 0;
    this.#fill();
    this.transport = new Transport(this, this.engine);
    this.target = new Target(this);
    this.gym = new Gym(this);
    this.#listen();
    this.$(".focus-note").hidden = config.keys === "page";
    this.#choose(0);
    this.showSettings();
    if (!this.readable) this.say("A page opened from disk may not read sound that lies beside it: use a web server.");
    this.begin();
  }

  // ---- building ----

  #fill() {
    const { config } = this;
    this.strips = config.names.map(
      (name, number) => new Strip(number, name, config, (key, value) => this.#turn(number, key, value)),
    );
    this.strips.forEach((strip, number) => {
      for (const kind of ["focusin", "pointerdown"]) strip.element.addEventListener(kind, () => this.#choose(number));
    });
    this.$(".strips").replaceChildren(...this.strips.map((strip) => strip.element));
    this.chips = [...config.names, "Master"].map((name, number) => {
      const chip = document.createElement("button");
      Object.assign(chip, { type: "button", className: "chip", textContent: name });
      chip.addEventListener("click", () => this.#choose(number));
      return chip;
    });
    this.$(".chips").replaceChildren(...this.chips);
    const fader = new Slider(config.masterControl, "mix", (value) => {
      this.settings.master_db = value;
      this.changed();
    });
    this.master = { fader, throw: faderWithMeter(fader) };
    this.$(".master").append(this.master.throw.element);
  }

  #listen() {
    const click = (selector, action) => this.$(selector).addEventListener("click", action);
    click(".reset", () => this.#apply(stripsOf(this.config.settings, this.config), "All controls are where they were."));
    click(".clear", () => this.#clearReadings());
    click(".save", () => download("console.json", "application/json", this.#settingsText()));
    click(".load", () => chooseTextFile(".json,application/json").then((text) => text !== null && this.#read(text)));
    click(".apply", () => this.#read(this.$(".text").value));
    click(".wav", () => this.exportWav());
    click(".turn-down", () => this.exportWav(true));
    click(".anyway", () => this.exportWav(false, true));
    this.listenToKeys((key) => this.#actionOf(key));
  }

  #actionOf(key) {
    const actions = {
      m: () => this.#switch("mute"),
      s: () => this.#switch("solo"),
      "?": () => this.toggleHelp(),
    };
    if (Object.hasOwn(actions, key)) return actions[key];
    const track = "123456789".indexOf(key);
    if (key.length === 1 && track >= 0) return () => track in this.strips && this.#choose(track, true);
    return this.transport.actionOf(key);
  }

  // ---- what the reader does ----

  /** The chosen track: the one that M and S mean, and on a phone the one that is shown; after the last, the master. */
  #choose(number, focus = false) {
    this.chosen = number;
    this.strips.forEach((strip, track) => strip.element.classList.toggle("chosen", track === number));
    this.$(".master").classList.toggle("chosen", number === this.strips.length);
    this.chips.forEach((chip, track) => chip.setAttribute("aria-pressed", track === number));
    if (focus) this.strips[number].sliders.fader_db.input.focus();
  }

  #switch(key) {
    const strip = this.settings.strips[this.chosen];
    if (strip) this.#turn(this.chosen, key, !strip[key]);
  }

  #turn(number, key, value) {
    this.settings.strips[number][key] = value;
    this.changed();
  }

  #apply(settings, message) {
    this.settings = settings;
    this.changed();
    this.say(message);
  }

  #read(text) {
    try {
      this.#apply(parseSettings(text, this.config), "The settings were loaded.");
    } catch (error) {
      this.say(`These settings cannot be loaded: ${error.message}.`);
    }
  }

  #settingsText() {
    return `${JSON.stringify(asJson(this.settings, this.config), null, 1)}\n`;
  }

  // ---- what follows from it ----

  changed() {
    this.engine.desk?.set(this.settings, true);
    this.showSettings();
    this.target.showDistances();
    this.$(".clipping").hidden = true;
    clearTimeout(this.resting);
    this.gym.stale = true;
    this.gym.showStale();
    this.resting = setTimeout(() => Promise.all([this.target.match(), this.gym.match()]), REST_MS);
  }

  showSettings() {
    const heard = heardTracks(this.settings.strips);
    this.strips.forEach((strip, number) => {
      strip.show(this.settings.strips[number], heard[number]);
      this.chips[number].classList.toggle("unheard", !heard[number]);
    });
    this.master.fader.show(this.settings.master_db);
    this.$(".text").value = this.#settingsText();
  }

  /** The mix at these settings as a file; if it would clip, the reader is asked. */
  async exportWav(turnDown = false, clip = false) {
    const { engine, config } = this;
    this.say("Rendering…");
    try {
      await engine.load();
      let channels = await renderMix(engine.buffers, this.settings, config, true);
      let peakDb = 20 * Math.log10(peakOf(channels));
      if (turnDown && peakDb > PEAK_DB) {
        const gain = 10 ** ((PEAK_DB - peakDb) / 20);
        channels = channels.map((channel) => channel.map((value) => value * gain));
        peakDb = PEAK_DB;
      }
      this.$(".clipping").hidden = peakDb <= 0 || clip;
      if (peakDb > 0 && !clip) {
        this.$(".turn-down").textContent = `Turn down by ${(peakDb - PEAK_DB).toFixed(1)} dB`;
        return this.say(`The mix was not written: its peak is ${decibels(peakDb)} above full scale, and it would clip.`);
      }
      const rate = engine.buffers[0].sampleRate;
      const loudness = integratedLoudness(channels, rate);
      const wav = wavFile(channels, rate, Number(this.$(".bits").value));
      download("mix.wav", "audio/wav", wav);
      const loud = Number.isFinite(loudness) ? `${signed(loudness)} LUFS` : "silent";
      this.say(`mix.wav: ${loud}, peak ${decibels(Math.min(peakDb, 0))} full scale${peakDb > 0 ? ", clipped" : ""}.`);
    } catch (error) {
      this.transport.complain(error);
    }
  }

  // ---- meters ----

  /** There is a context: from now on there is something to measure. */
  #plugIn() {
    const { engine } = this;
    engine.desk.set(this.settings);
    this.loudness = new LoudnessMeter(engine.context, engine.output);
    const apart = engine.context.createChannelSplitter(2);
    engine.output.connect(apart);
    this.levels = [0, 1].map((channel) => {
      const analyser = new AnalyserNode(engine.context, { fftSize: 2048 });
      apart.connect(analyser, channel);
      return new Level(analyser);
    });
    this.#measure();
  }

  #measure() {
    if (this.host.isConnected) requestAnimationFrame(() => this.#measure());
    if (this.target.blind) return;
    const { engine } = this;
    const sounding = engine.playing || this.levels.some((level) => level.heldDb > METER_FLOOR_DB);
    if (!sounding) return;
    this.strips.forEach((strip, number) => strip.showLevels(engine.desk.strips[number]));
    this.master.throw.show(this.levels.map((level) => level.read()));
    if (!engine.playing || !this.loudness.read()) return;
    this.#showReadings();
  }

  #showReadings() {
    const { momentary, integrated } = this.loudness;
    const loud = (value) => (value > -70 ? signed(value) : "–");
    this.$(".momentary").textContent = loud(momentary);
    this.$(".integrated").textContent = loud(integrated);
    const peaks = this.levels.map((level) => (level.highestDb > -70 ? signed(level.highestDb) : "–"));
    this.$(".peaks").textContent = peaks.join(" / ");
    this.$(".rms").textContent = this.levels.map(({ rmsDb }) => (rmsDb > -70 ? signed(rmsDb) : "–")).join(" / ");
    this.$(".peaks").classList.toggle("over", this.levels.some((level) => level.highestDb > 0));
  }

  #clearReadings() {
    this.loudness?.reset();
    for (const level of this.levels ?? []) level.reset();
    if (this.levels) this.#showReadings();
  }
}
