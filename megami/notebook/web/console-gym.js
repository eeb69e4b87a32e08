// The Mix Gym: measures the mix in the page, places it among mixes whose makers are known, says what they do otherwise.

const GYM_TOLD = ["level_db", "off_centre_db", "width_db", "brightness_octaves", "clear_db"];
const GYM_UNITS = { level_db: " dB", off_centre_db: " dB", width_db: " dB", brightness_octaves: " oct", clear_db: " dB" };
const MAP_SIZE = { width: 420, height: 300, edge: 26 };

/** Each track as it is heard in the mix, by itself: [left, right], silent where it is not heard. */
async function renderTracks(buffers, settings, config) {
  const heard = heardTracks(settings.strips);
  const length = Math.round(config.seconds * buffers[0].sampleRate);
  return Promise.all(config.names.map(async (_, number) => {
    if (!heard[number]) return [0, 1].map(() => new Float32Array(length));
    const strips = settings.strips.map((strip, other) => ({ ...strip, solo: false, mute: other !== number }));
    const rendered = await renderMix(buffers, { strips, master_db: settings.master_db }, config);
    return rendered.map((channel) => channel.slice(0, length));
  }));
}

class Gym {
  /** desk: the Console widget. */
  constructor(desk) {
    this.desk = desk;
    this.known = desk.config.gym;
    if (!this.known) return;
    this.judgements = []; // places on the map, oldest first
    this.hears = 0; // 0: one's own mix, then the takes
    const { $ } = desk;
    $(".gym").hidden = false;
    $(".judge").addEventListener("click", () => this.judge().catch((error) => desk.transport.complain(error)));
    const titles = ["Your mix", ...this.known.takes.map((take) => take.name)];
    this.buttons = titles.map((title, number) => {
      const button = document.createElement("button");
      Object.assign(button, { type: "button", className: "toggle", textContent: title });
      button.addEventListener("click", () => this.hear(number));
      return button;
    });
    $(".gym-hear").append(...this.buttons);
    this.#showHeard();
  }

  // ---- judging ----

  async judge() {
    const { desk, known } = this;
    const { engine, config } = desk;
    desk.say("Listening to your mix…");
    desk.$(".judge").disabled = true;
    try {
      await engine.load();
      const settings = structuredClone(desk.settings);
      this.tracks = await renderTracks(engine.buffers, settings, config);
      this.measures = measureTracks(this.tracks, engine.buffers[0].sampleRate);
      const features = this.measures.flatMap((measures) => known.features.map((name) => measures[name]));
      this.features = features.map((value, place) => (value - known.mean[place]) / known.spread[place]);
      this.judgements.push(known.directions.map((axis) => total(axis.map((weight, place) => weight * this.features[place]))));
      this.stale = false;
      await this.match();
      this.#show();
      desk.say(`Judged: ${desk.$(".nearest").textContent}`);
    } finally {
      desk.$(".judge").disabled = false;
    }
  }

  /** How far the mix is from the middle of each style: root mean square over all features, in spreads. */
  distances() {
    return this.known.styles.map(({ centre }) =>
      Math.sqrt(mean(centre.map((value, place) => (value - this.features[place]) ** 2))),
    );
  }

  /** The track that stands furthest outside the range in which its clearness lies in the known mixes. */
  #outermost(side) {
    const beyond = this.measures.map(({ clear_db }, number) => {
      const [low, high] = this.known.ranges[number].clear_db;
      return side < 0 ? low - clear_db : clear_db - high;
    });
    const most = Math.max(...beyond);
    return most > 0 ? { name: this.desk.config.names[beyond.indexOf(most)], by: most } : null;
  }

  // ---- showing ----

  #show() {
    const { $ } = this.desk;
    const away = this.distances();
    const nearest = away.indexOf(Math.min(...away));
    const { name, typical } = this.known.styles[nearest];
    $(".verdict").hidden = false;
    $(".nearest").textContent =
      `Of these styles, yours is nearest to “${name}”: ${away[nearest].toFixed(1)} away from its middle. ` +
      `Mixes in that style are ${typical.toFixed(1)} away from it themselves.`;
    const [hides, drowns] = [this.#outermost(-1), this.#outermost(1)];
    $(".hides").textContent = hides
      ? `What hides: ${hides.name}. The others cover it by ${hides.by.toFixed(1)} dB more than in all but a few of the known mixes.`
      : "No track hides: each is at least as clear as in most of the known mixes.";
    $(".drowns").textContent = drowns
      ? `What drowns the others: ${drowns.name}. It stands out by ${drowns.by.toFixed(1)} dB more than in all but a few of the known mixes.`
      : "No track drowns the others.";
    this.#drawTable();
    this.#drawMap();
    $(".gym-hear").hidden = !this.known.takes.length;
    this.showStale();
  }

  showStale() {
    if (!this.known || !this.judgements.length) return;
    this.desk.$(".stale").hidden = !this.stale;
  }

  #drawTable() {
    const rows = this.desk.config.names.map((name, number) => {
      const row = document.createElement("tr");
      const head = row.appendChild(document.createElement("th"));
      Object.assign(head, { scope: "row", textContent: name });
      for (const key of GYM_TOLD) row.append(this.#cell(this.measures[number][key], this.known.ranges[number][key], key));
      return row;
    });
    this.desk.$(".verdict tbody").replaceChildren(...rows);
  }

  #cell(value, [low, high], key) {
    const cell = document.createElement("td");
    const digits = key === "brightness_octaves" ? 2 : 1;
    const mark = value < low ? " ▼" : value > high ? " ▲" : "";
    const words = value < low ? "below" : value > high ? "above" : "within";
    cell.append(`${signed(value, digits)}${GYM_UNITS[key]}${mark}`);
    cell.appendChild(document.createElement("small")).textContent = ` (${signed(low, digits)} to ${signed(high, digits)})`;
    cell.classList.toggle("outside", words !== "within");
    cell.setAttribute("aria-label", `${signed(value, digits)}${GYM_UNITS[key]}, ${words} ${signed(low, digits)} to ${signed(high, digits)}`);
    return cell;
  }

  #drawMap() {
    const { known, desk } = this;
    const { width, height, edge } = MAP_SIZE;
    const points = [...known.dots.map(({ at }) => at), ...known.takes.map(({ at }) => at), ...this.judgements];
    const spans = [0, 1].map((axis) => {
      const values = points.map((point) => point[axis]);
      return [Math.min(...values), Math.max(...values)];
    });
    const place = (point) => [0, 1].map((axis) => {
      const share = (point[axis] - spans[axis][0]) / (spans[axis][1] - spans[axis][0] || 1);
      return axis ? height - edge - share * (height - 2 * edge) : edge + share * (width - 2 * edge);
    });
    const make = (tag, attributes, text = "") => {
      const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
      Object.entries(attributes).forEach(([key, value]) => element.setAttribute(key, value));
      element.textContent = text;
      return element;
    };
    const dot = ({ at, style }) => {
      const [cx, cy] = place(at);
      const { light, dark } = known.styles[style];
      return make("circle", { cx, cy, r: 4.5, class: "dot", style: `--light: ${light}; --dark: ${dark}` });
    };
    const takes = known.takes.flatMap(({ at, name }) => {
      const [x, y] = place(at);
      const box = make("rect", { x: x - 5, y: y - 5, width: 10, height: 10, class: "take", transform: `rotate(45 ${x} ${y})` });
      const [side, anchor] = x > width - 80 ? [-9, "end"] : [9, "start"];
      return [box, make("text", { x: x + side, y: y + 4, "text-anchor": anchor }, name.toLowerCase())];
    });
    const mine = this.judgements.map(place);
    const path = make("polyline", { points: mine.map((point) => point.join()).join(" "), class: "way" });
    const rings = mine.flatMap(([cx, cy], number) => {
      const last = number === mine.length - 1;
      const ring = make("circle", { cx, cy, r: last ? 9 : 4, class: last ? "mine now" : "mine" });
      return last ? [ring, make("text", { x: cx > width - 60 ? cx - 12 : cx + 12, y: cy - 8, class: "you", "text-anchor": cx > width - 60 ? "end" : "start" }, "you")] : [ring];
    });
    const svg = desk.$(".gym-map");
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    svg.setAttribute("aria-label", `${known.description} Yours is the ring. ${desk.$(".nearest").textContent}`);
    svg.replaceChildren(...known.dots.map(dot), ...takes, path, ...rings);
    const legend = known.styles.map(({ name, light, dark }) => {
      const entry = document.createElement("li");
      const spot = entry.appendChild(document.createElement("i"));
      spot.className = "dot";
      spot.style.cssText = `--light: ${light}; --dark: ${dark}`;
      entry.append(name);
      return entry;
    });
    desk.$(".gym-legend").replaceChildren(...legend);
  }

  // ---- hearing the takes, as loud as one's own mix ----

  /** Measures one's own loudness anew; called when a control has come to rest. */
  async match() {
    if (!this.judgements?.length) return;
    const { engine, config, settings } = this.desk;
    const mix = await renderMix(engine.buffers, settings, config);
    const { sampleRate } = engine.buffers[0];
    const own = integratedLoudness(mix, sampleRate);
    this.lufs ??= this.known.takes.map((_, number) =>
      integratedLoudness(channelsOf(engine.buffers[config.names.length + number]), sampleRate),
    );
    this.factors = this.lufs.map((lufs) => (Number.isFinite(own - lufs) ? factorOf(own - lufs) : 1));
    this.#route();
  }

  async hear(number) {
    this.hears = number;
    this.#showHeard();
    if (!this.gains) await this.#connect();
    this.#route();
  }

  async #connect() {
    const { engine, config } = this.desk;
    await engine.load();
    const { sampleRate } = engine.buffers[0];
    const delay = (await compressorDelay(sampleRate)) / sampleRate;
    this.gains = this.known.takes.map(() => new GainNode(engine.context, { gain: 0 }));
    this.gains.forEach((gain) => gain.connect(engine.output));
    engine.extras = this.gains.map((output, number) => ({ buffer: engine.buffers[config.names.length + number], output, delay }));
    engine.seek(engine.position()); // from here on they play along
  }

  #route() {
    if (!this.gains) return;
    const { engine } = this.desk;
    const now = engine.context.currentTime;
    turnTo(engine.mine.gain, this.hears === 0 ? 1 : 0, now);
    this.gains.forEach((gain, number) => turnTo(gain.gain, this.hears === number + 1 ? this.factors[number] : 0, now));
  }

  #showHeard() {
    this.buttons.forEach((button, number) => button.setAttribute("aria-pressed", number === this.hears));
  }
}
