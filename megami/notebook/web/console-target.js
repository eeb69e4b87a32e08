// A target to match: heard against one's own mix at the same loudness, blind if wanted; then shown, with distances.

/** How far settings are from the target's, track by track; levels but for what all tracks differ by in common. */
function distances(mine, aim, config, sampleRate) {
  const [heard, heardThere] = [heardTracks(mine.strips), heardTracks(aim.strips)];
  const levelOf = (strip) => strip.fader_db + strip.makeup_db;
  const both = config.names.map((_, number) => number).filter((number) => heard[number] && heardThere[number]);
  const difference = (number) => levelOf(mine.strips[number]) - levelOf(aim.strips[number]);
  const common = both.length ? mean(both.map(difference)) : 0;
  const tracks = config.names.map((name, number) => {
    const [one, other] = [mine.strips[number], aim.strips[number]];
    const curve = equaliserCurve(one, config, sampleRate);
    const apart = equaliserCurve(other, config, sampleRate).map((value, place) => curve[place] - value);
    return {
      name,
      onlyOne: heard[number] === heardThere[number] ? "" : heard[number] ? "silent in the target" : "silent here",
      level_db: difference(number) - common,
      pan: one.pan - other.pan,
      eq_db: Math.sqrt(mean(apart.map((value) => value * value))),
      threshold_db: one.threshold_db - other.threshold_db,
      send_db: one.send_db - other.send_db,
    };
  });
  const meanOf = (key) => (both.length ? mean(both.map((number) => Math.abs(tracks[number][key]))) : 0);
  return { tracks, level_db: meanOf("level_db"), pan: meanOf("pan"), eq_db: meanOf("eq_db") };
}

/** What is left of the target, in dB, when a mix of the same loudness is subtracted from it. */
function residualDb(mix, target, gain) {
  let [left, whole] = [0, 0];
  target.forEach((channel, number) => {
    const other = mix[number];
    for (let place = 0; place < Math.min(channel.length, other.length); place += 1) {
      left += (gain * channel[place] - other[place]) ** 2;
      whole += (gain * channel[place]) ** 2;
    }
  });
  return 10 * Math.log10(left / whole);
}

class Target {
  /** desk: the Console widget. */
  constructor(desk) {
    this.desk = desk;
    this.settings = desk.config.target && stripsOf(desk.config.target, desk.config);
    // A finished mix comes after the stems; in the gym, these are takes.
    this.recorded = !desk.config.gym && desk.engine.urls.length > desk.config.names.length;
    this.hears = "mine";
    this.sides = ["mine", "aim"]; // what the left and the right button play; in a blind test in random order
    this.blind = false;
    this.score = { right: 0, of: 0 };
    const { $, $$ } = desk;
    $(".target").hidden = !this.settings && !this.recorded;
    $(".reveal").hidden = !this.settings;
    this.buttons = $$(".hear button");
    this.buttons.forEach((button, side) => button.addEventListener("click", () => this.hear(side)));
    $$(".guess button").forEach((button, side) => button.addEventListener("click", () => this.#answer(side)));
    $(".blind").addEventListener("click", () => this.#setBlind(!this.blind));
    $(".reveal").addEventListener("click", () => this.#reveal());
    this.#showSides();
  }

  /** Plays what stands on a side (0 or 1); the target as loud as one's own mix. */
  async hear(side) {
    this.hears = this.sides[side];
    this.side = side;
    this.#showSides();
    if (!this.gain) await this.prepare();
    this.#route();
  }

  /** Renders the target once, measures both mixes, and matches their loudness. */
  async prepare() {
    const { desk } = this;
    const { engine, config } = desk;
    desk.say("Measuring…", 300);
    await engine.load();
    this.rendering ??= this.recorded
      ? Promise.resolve(channelsOf(engine.buffers[config.names.length]))
      : renderMix(engine.buffers, this.settings, config);
    this.channels = await this.rendering;
    const { sampleRate } = engine.buffers[0];
    this.lufs ??= integratedLoudness(this.channels, sampleRate);
    this.peak ??= peakOf(this.channels);
    if (!this.gain) await this.#connect(sampleRate);
    await this.match();
    desk.say(this.#loudWarning());
  }

  async #connect(sampleRate) {
    const { engine } = this.desk;
    const buffer = new AudioBuffer({ numberOfChannels: 2, length: this.channels[0].length, sampleRate });
    this.channels.forEach((channel, number) => buffer.copyToChannel(channel, number));
    this.gain = new GainNode(engine.context, { gain: 0 });
    this.gain.connect(engine.output);
    engine.extras = [{ buffer, output: this.gain, delay: (await compressorDelay(sampleRate)) / sampleRate }];
    engine.seek(engine.position()); // from here on it plays along
  }

  /** Measures one's own mix anew; to be called when a control has come to rest. */
  async match() {
    if (!this.channels) return;
    const { engine, config, settings } = this.desk;
    const number = (this.matching = (this.matching ?? 0) + 1);
    const mix = await renderMix(engine.buffers, settings, config);
    if (number !== this.matching) return; // a newer one is on its way
    this.factor = factorOf(integratedLoudness(mix, engine.buffers[0].sampleRate) - this.lufs);
    if (!Number.isFinite(this.factor)) this.factor = 1;
    this.residual = residualDb(mix, this.channels, this.factor);
    this.#route();
    this.showDistances();
  }

  #loudWarning() {
    const over = 20 * Math.log10(this.peak * this.factor);
    return over > 0 ? `At this loudness the target would clip: turn the master down by ${decibels(over).slice(1)}.` : "";
  }

  #route() {
    if (!this.gain) return;
    const { engine } = this.desk;
    const now = engine.context.currentTime;
    turnTo(engine.mine.gain, this.hears === "mine" ? 1 : 0, now);
    turnTo(this.gain.gain, this.hears === "aim" ? this.factor ?? 0 : 0, now);
  }

  #showSides() {
    const names = this.blind ? ["A", "B"] : ["Your mix", "Target"];
    this.buttons.forEach((button, side) => {
      button.textContent = names[side];
      button.setAttribute("aria-pressed", this.sides[side] === this.hears);
    });
    const { $ } = this.desk;
    $(".blind").setAttribute("aria-pressed", this.blind);
    $(".guess").hidden = !this.blind;
    this.desk.panel.classList.toggle("blinded", this.blind);
  }

  async #setBlind(blind) {
    this.blind = blind;
    this.score = { right: 0, of: 0 };
    this.sides = ["mine", "aim"];
    if (blind) this.#shuffle();
    this.desk.say(blind ? "One of A and B is the target. Meters are hidden." : "");
    await this.hear(blind ? 0 : this.sides.indexOf(this.hears));
  }

  #shuffle() {
    this.sides = shuffled(2).map((side) => ["mine", "aim"][side]);
  }

  async #answer(side) {
    const right = this.sides[side] === "aim";
    this.score.of += 1;
    this.score.right += right ? 1 : 0;
    const was = "AB"[this.sides.indexOf("aim")];
    const { right: hits, of } = this.score;
    this.desk.say(`${right ? "Right" : "No"}: ${was} was the target. ${hits} of ${of} right. A and B were shuffled again.`);
    this.#shuffle();
    await this.hear(this.side ?? 0);
  }

  async #reveal() {
    const { $ } = this.desk;
    const shown = $(".distances").hidden;
    $(".distances").hidden = !shown;
    $(".reveal").setAttribute("aria-expanded", shown);
    this.showDistances();
    if (shown && !this.channels) await this.prepare();
  }

  showDistances() {
    const { $, config, settings } = this.desk;
    if (!this.settings || $(".distances").hidden) return;
    const found = distances(settings, this.settings, config, config.sampleRate);
    $(".distances tbody").replaceChildren(...found.tracks.map((track, number) => this.#row(track, number)));
    const left = this.residual === undefined ? "" : this.residual < -80
      ? " Nothing is left of the target when your mix is subtracted from it."
      : ` Your mix subtracted from the target, both equally loud, leaves ${decibels(this.residual)}.`;
    $(".overall").textContent =
      `Mean distance: level ${found.level_db.toFixed(1)} dB, pan ${found.pan.toFixed(2)}, ` +
      `equaliser ${found.eq_db.toFixed(1)} dB.${left}`;
  }

  #row(track, number) {
    const there = this.settings.strips[number];
    const row = document.createElement("tr");
    const add = (tag, text, aside = "") => {
      const cell = row.appendChild(document.createElement(tag));
      cell.textContent = text;
      if (aside) cell.appendChild(document.createElement("small")).textContent = ` ${aside}`;
      return cell;
    };
    add("th", track.name).scope = "row";
    add("td", track.onlyOne || decibels(track.level_db), `(fader ${wordsOf(this.#control("fader_db"), there.fader_db)})`);
    add("td", signed(track.pan, 2), `(${wordsOf(this.#control("pan"), there.pan)})`);
    const bands = ["low_db", "mid_db", "high_db"].map((key) => signed(there[key])).join(", ");
    add("td", `${track.eq_db.toFixed(1)} dB`, `(${bands}; mid at ${Math.round(there.mid_hz)} Hz)`);
    add("td", decibels(track.threshold_db, 0));
    add("td", decibels(track.send_db, 0));
    return row;
  }

  #control(key) {
    return this.desk.config.controls.find((control) => control.key === key);
  }
}

/** A decoded recording as [left, right]. */
function channelsOf(buffer) {
  return [0, 1].map((channel) => buffer.getChannelData(Math.min(channel, buffer.numberOfChannels - 1)));
}
