// Animation: points and lines drawn on a canvas from their coordinates, frame by frame; between frames they glide.

const { Widget, compressedBytes } = PARTS;
const NOWHERE = 32767; // a gap in a line (animation.py)
const WORDS = '"Segoe UI", system-ui, -apple-system, Roboto, "Helvetica Neue", Arial, sans-serif';

/** Coordinates as they were packed: Int16Array [frames, n, 2], in steps across the box. */
async function unpack({ data, frames, size }) {
  const bytes = await compressedBytes(`data:;base64,${data}`);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  const planes = new Uint8Array(await new Response(stream).arrayBuffer());
  const values = new Int16Array(planes.length / 2);
  const row = size * 2;
  for (let n = 0; n < values.length; n += 1) {
    values[n] = (planes[n] | (planes[values.length + n] << 8)) + (n >= row ? values[n - row] : 0);
  }
  return { values, frames, size };
}

class Animation extends Widget {
  constructor(host, look) {
    super(host, look);
    const { config } = this;
    this.at = 0; // the frame, with a fraction while it plays
    this.playing = false;
    this.looping = false;
    this.speed = 1;
    this.calm = matchMedia("(prefers-reduced-motion: reduce)");
    this.$(".what").textContent = config.frameLabel;
    this.$(".seek").max = config.count - 1;
    this.$(".seek").setAttribute("aria-label", config.frameLabel);
    this.$(".loop").title = "Begin again at the end (L)";
    this.$(".scene").setAttribute("aria-label", config.description);
    this.#legend();
    this.#listen();
    this.#show();
    this.begin();
    this.ready = this.#load().catch((error) => this.say(`This browser could not read the picture (${error.message}).`));
  }

  async #load() {
    const { groups, lines, background } = this.config;
    [this.groups, this.lines] = await Promise.all([groups, lines].map((many) => Promise.all(many.map(unpack))));
    if (background) {
      const picture = Object.assign(new Image(), { src: background.picture });
      await picture.decode();
      this.background = picture;
    }
    this.draw();
  }

  // ---- building ----

  #legend() {
    const { groups, lines } = this.config;
    const named = [...groups.map((one) => [one, ""]), ...lines.map((one) => [one, "line"])];
    const seen = named.filter(([one], n) => one.name && named.findIndex(([other]) => other.name === one.name) === n);
    if (named.length < 2) return;
    this.swatches = seen.map(([one, kind]) => {
      const entry = document.createElement("span");
      const swatch = Object.assign(document.createElement("i"), { className: kind });
      entry.append(swatch, one.name);
      this.$(".legend").append(entry);
      return [swatch, one.colour];
    });
  }

  #listen() {
    this.$(".play").addEventListener("click", () => this.toggle());
    this.$(".scene").addEventListener("click", () => this.toggle());
    this.$(".back").addEventListener("click", () => this.#stepBy(-1));
    this.$(".on").addEventListener("click", () => this.#stepBy(1));
    this.$(".loop").addEventListener("click", () => this.#toggleLoop());
    this.$(".seek").addEventListener("input", (event) => this.seek(Number(event.target.value)));
    this.$(".speed").addEventListener("change", (event) => (this.speed = Number(event.target.value)));
    const last = this.config.count - 1;
    const actions = {
      " ": () => this.toggle(), l: () => this.#toggleLoop(), Home: () => this.#tell(0), End: () => this.#tell(last),
      ArrowLeft: () => this.#stepBy(-1), ArrowRight: () => this.#stepBy(1),
      ArrowDown: () => this.#stepBy(-1), ArrowUp: () => this.#stepBy(1),
    };
    this.listenToKeys((key) => (Object.hasOwn(actions, key) ? actions[key] : undefined));
    // Nobody sees it move while it is scrolled away.
    new IntersectionObserver(([entry]) => !entry.isIntersecting && this.pause()).observe(this.panel);
  }

  // ---- what the reader does ----

  toggle() {
    return this.playing ? this.pause() : this.play();
  }

  play() {
    if (this.at >= this.config.count - 1) this.at = 0;
    this.playing = true;
    this.last = null;
    this.#show();
    cancelAnimationFrame(this.request);
    this.request = requestAnimationFrame((now) => this.#tick(now));
  }

  pause() {
    if (!this.playing) return;
    this.playing = false;
    this.at = Math.round(this.at);
    this.#show();
  }

  seek(frame) {
    this.at = Math.min(Math.max(0, frame), this.config.count - 1);
    this.#show();
  }

  #stepBy(step) {
    this.pause();
    this.#tell(Math.round(this.at) + step);
  }

  /** Goes to a frame, and says which one it is. */
  #tell(frame) {
    this.seek(frame);
    this.$(".unseen").textContent = this.#words();
  }

  #toggleLoop() {
    this.looping = !this.looping;
    this.$(".loop").setAttribute("aria-pressed", this.looping);
  }

  #tick(now) {
    if (!this.playing) return;
    if (!this.host.isConnected) return this.pause();
    const { count, framesPerSecond } = this.config;
    // A tab that was hidden does not catch up.
    this.at += (Math.min(now - (this.last ?? now), 250) / 1000) * framesPerSecond * this.speed;
    this.last = now;
    if (this.at >= count - 1) {
      if (this.looping) this.at %= count - 1 || 1;
      else {
        this.at = count - 1;
        return this.pause();
      }
    }
    this.#show();
    this.request = requestAnimationFrame((next) => this.#tick(next));
  }

  // ---- what is shown ----

  #words() {
    return `${this.config.frameLabel} ${this.config.frames[Math.round(this.at)]}`;
  }

  #show() {
    const frame = Math.round(this.at);
    this.$(".word").textContent = this.config.frames[frame];
    this.$(".seek").value = frame;
    this.$(".seek").setAttribute("aria-valuetext", this.#words());
    this.$(".play").setAttribute("aria-pressed", this.playing);
    this.$(".play").setAttribute("aria-label", this.playing ? "Pause" : "Play");
    this.panel.style.setProperty("--played", `${(100 * this.at) / Math.max(1, this.config.count - 1)}%`);
    this.draw();
  }

  draw() {
    const dark = this.panel.classList.contains("night") ? 1 : 0;
    this.swatches?.forEach(([swatch, colour]) => (swatch.style.background = colour[dark]));
    const canvas = this.$(".scene");
    const width = canvas.clientWidth;
    if (!width) return;
    const area = this.#area(width);
    const scale = window.devicePixelRatio || 1;
    const size = [Math.round(width * scale), Math.round(area.height * scale)];
    if (canvas.width !== size[0] || canvas.height !== size[1]) {
      [canvas.width, canvas.height] = size;
      canvas.style.height = `${area.height}px`;
    }
    const context = canvas.getContext("2d");
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.clearRect(0, 0, width, area.height);
    const style = getComputedStyle(this.panel);
    const colour = (name) => style.getPropertyValue(name).trim();
    this.#drawAxes(context, area, colour);
    if (!this.groups) return;
    context.save();
    context.beginPath();
    context.rect(area.left, area.top, area.across, area.up);
    context.clip();
    if (this.background) this.#drawBackground(context, area, colour("--quiet"));
    this.lines.forEach((line, n) => this.#drawLine(context, area, line, this.config.lines[n].colour[dark]));
    this.groups.forEach((group, n) => this.#drawGroup(context, area, group, this.config.groups[n].colour[dark]));
    context.restore();
  }

  /** Where the picture lies on the canvas, and how a step of the coordinates is mapped. */
  #area(width) {
    const { limits, equal, labels, levels } = this.config;
    const [left, top, right, bottom] = [labels[1] ? 58 : 42, 8, 10, labels[0] ? 44 : 26];
    let across = width - left - right;
    let up = Math.max(180, Math.min(440, 0.56 * across));
    let from = left;
    if (equal) {
      const ratio = (limits[3] - limits[2]) / (limits[1] - limits[0]);
      up = Math.min(460, across * ratio);
      const used = up / ratio;
      from += (across - used) / 2;
      across = used;
    }
    return {
      left: from, top, across, up, height: top + up + bottom,
      x: (step) => from + (across * step) / levels, y: (step) => top + up - (up * step) / levels,
    };
  }

  #drawAxes(context, area, colour) {
    const { limits, ticks, labels } = this.config;
    const ink = { line: colour("--edge"), quiet: colour("--quiet"), ink: colour("--ink") };
    context.font = `11.5px ${WORDS}`;
    context.lineWidth = 1;
    const shareX = (value) => area.left + (area.across * (value - limits[0])) / (limits[1] - limits[0]);
    const shareY = (value) => area.top + area.up - (area.up * (value - limits[2])) / (limits[3] - limits[2]);
    context.strokeStyle = ink.line;
    context.beginPath();
    for (const [value] of ticks[0]) {
      context.moveTo(shareX(value), area.top);
      context.lineTo(shareX(value), area.top + area.up);
    }
    for (const [value] of ticks[1]) {
      context.moveTo(area.left, shareY(value));
      context.lineTo(area.left + area.across, shareY(value));
    }
    context.stroke();
    context.fillStyle = ink.quiet;
    Object.assign(context, { textAlign: "center", textBaseline: "top" });
    for (const [value, word] of ticks[0]) context.fillText(word, shareX(value), area.top + area.up + 6);
    Object.assign(context, { textAlign: "right", textBaseline: "middle" });
    for (const [value, word] of ticks[1]) context.fillText(word, area.left - 7, shareY(value));
    context.fillStyle = ink.ink;
    context.font = `12px ${WORDS}`;
    Object.assign(context, { textAlign: "center", textBaseline: "bottom" });
    context.fillText(labels[0], area.left + area.across / 2, area.height - 4);
    context.save();
    context.translate(area.left - 44, area.top + area.up / 2);
    context.rotate(-Math.PI / 2);
    Object.assign(context, { textBaseline: "middle" });
    context.fillText(labels[1], 0, 0);
    context.restore();
  }

  /** The tint takes the theme's colour; how strong it is comes from the picture. */
  #drawBackground(context, area, colour) {
    if (this.tint?.colour !== colour) this.tint = { colour, canvas: this.#tinted(colour) };
    const { levels, limits, background } = this.config;
    const step = (value, low, high) => (levels * (value - low)) / (high - low);
    const [left, right] = [0, 1].map((n) => area.x(step(background.limits[n], limits[0], limits[1])));
    const [bottom, top] = [2, 3].map((n) => area.y(step(background.limits[n], limits[2], limits[3])));
    context.drawImage(this.tint.canvas, left, top, right - left, bottom - top);
  }

  #tinted(colour) {
    const { width, height } = this.background;
    const canvas = Object.assign(document.createElement("canvas"), { width, height });
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.fillStyle = colour;
    context.fillRect(0, 0, 1, 1);
    const [red, green, blue] = context.getImageData(0, 0, 1, 1).data;
    context.drawImage(this.background, 0, 0);
    const pixels = context.getImageData(0, 0, width, height);
    for (let n = 0; n < pixels.data.length; n += 4) {
      const strength = pixels.data[n];
      pixels.data.set([red, green, blue, 0.35 * strength], n);
    }
    context.putImageData(pixels, 0, 0);
    return canvas;
  }

  /** The two frames around a moment, and how far it lies between them. With reduced motion nothing glides. */
  #between(series, moment) {
    if (series.frames === 1) return [0, 0, 0];
    const at = this.calm.matches ? Math.round(moment) : moment;
    const first = Math.min(Math.floor(at), series.frames - 1);
    return [first, Math.min(first + 1, series.frames - 1), at - first];
  }

  /** Calls use(n, x, y) for every point of a series at a moment; x is NOWHERE in a gap. */
  #each(series, moment, area, use) {
    const [first, second, share] = this.#between(series, moment);
    const { values, size } = series;
    const [one, other] = [first * size * 2, second * size * 2];
    for (let n = 0; n < size; n += 1) {
      const [x0, y0, x1, y1] = [values[one + 2 * n], values[one + 2 * n + 1], values[other + 2 * n], values[other + 2 * n + 1]];
      if (x0 === NOWHERE || x1 === NOWHERE || y0 === NOWHERE || y1 === NOWHERE) use(n, NOWHERE, NOWHERE);
      else use(n, area.x(x0 + share * (x1 - x0)), area.y(y0 + share * (y1 - y0)));
    }
  }

  #drawLine(context, area, line, colour) {
    Object.assign(context, { strokeStyle: colour, lineWidth: 2, lineJoin: "round" });
    context.beginPath();
    let gap = true;
    this.#each(line, this.at, area, (_, x, y) => {
      if (x !== NOWHERE) gap ? context.moveTo(x, y) : context.lineTo(x, y);
      gap = x === NOWHERE;
    });
    context.stroke();
  }

  #drawGroup(context, area, group, colour) {
    const radius = group.size > 400 ? 2 : group.size > 60 ? 3 : 4.5;
    if (this.config.trail) this.#drawTrails(context, area, group, colour);
    context.fillStyle = colour;
    context.globalAlpha = group.size > 60 ? 0.75 : 1;
    context.beginPath();
    this.#each(group, this.at, area, (_, x, y) => {
      context.moveTo(x + radius, y);
      context.arc(x, y, radius, 0, 2 * Math.PI);
    });
    context.fill();
    context.globalAlpha = 1;
  }

  #drawTrails(context, area, group, colour) {
    Object.assign(context, { strokeStyle: colour, lineWidth: 1, globalAlpha: group.size > 200 ? 0.22 : 0.4 });
    const from = Math.max(0, this.at - this.config.trail);
    const moments = [from];
    for (let frame = Math.floor(from) + 1; frame < this.at; frame += 1) moments.push(frame);
    moments.push(this.at);
    const ways = Array.from({ length: group.size }, () => []);
    for (const moment of moments) this.#each(group, moment, area, (n, x, y) => ways[n].push(x, y));
    context.beginPath();
    for (const way of ways) {
      context.moveTo(way[0], way[1]);
      for (let n = 2; n < way.length; n += 2) context.lineTo(way[n], way[n + 1]);
    }
    context.stroke();
    context.globalAlpha = 1;
  }
}
