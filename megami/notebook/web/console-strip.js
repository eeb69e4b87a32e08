// The face of one channel strip: sliders that say value and unit, mute, solo, a meter.

const MINUS = "\u2212";
const METER_FLOOR_DB = -60;
const SCALE_DB = [12, 6, 0, -6, -12, -24, -36, -48, -60];

const signed = (value, digits = 1) =>
  Math.abs(value) < 0.5 * 10 ** -digits ? "0" : `${value < 0 ? MINUS : "+"}${Math.abs(value).toFixed(digits)}`;
const decibels = (value, digits = 1) => (Number.isFinite(value) ? `${signed(value, digits)} dB` : `${MINUS}∞ dB`);

/** A control's value in words. */
function wordsOf(control, value) {
  if (control.key === "pan") {
    const percent = Math.round(100 * Math.abs(value));
    return percent === 0 ? "centre" : `${percent} % ${value < 0 ? "left" : "right"}`;
  }
  if (control.key === "ratio") return `${Number(value.toFixed(1))} : 1`;
  if (control.unit === "Hz") return value >= 1000 ? `${(value / 1000).toFixed(1)} kHz` : `${Math.round(value)} Hz`;
  return control.off && value <= control.low ? "off" : decibels(value, control.step < 1 ? 1 : 0);
}

/** A slider moves along the octaves of a frequency, else along the value itself. */
const STEPS_PER_OCTAVE = 12;
const toSlider = (control, value) => (control.unit === "Hz" ? Math.log2(value / control.low) * STEPS_PER_OCTAVE : value);
const fromSlider = (control, place) =>
  control.unit === "Hz" ? Math.min(control.high, Math.round(control.low * 2 ** (place / STEPS_PER_OCTAVE))) : place;

/** A labelled slider. changed(value) is called when the reader moves it; a double click or Delete resets it. */
class Slider {
  constructor(control, owner, changed) {
    this.control = control;
    this.element = document.createElement("label");
    this.element.className = `knob ${control.key}`;
    this.element.innerHTML = '<span class="what"></span><span class="value"></span><input type="range" />';
    const [what, value, input] = this.element.children;
    Object.assign(this, { value, input });
    what.textContent = control.label;
    input.setAttribute("aria-label", `${control.label}, ${owner}`);
    input.title = "Double click or Delete: reset";
    Object.assign(input, {
      min: toSlider(control, control.low), max: toSlider(control, control.high),
      step: control.unit === "Hz" ? 1 : control.step,
    });
    const give = (number) => (this.show(number), changed(number));
    input.addEventListener("input", () => give(fromSlider(control, Number(input.value))));
    input.addEventListener("dblclick", () => give(control.start));
    input.addEventListener("keydown", (event) => {
      if (event.key !== "Delete" && event.key !== "Backspace") return;
      event.preventDefault();
      give(control.start);
    });
  }

  show(number) {
    const { input, control } = this;
    const words = wordsOf(control, number);
    input.value = toSlider(control, number);
    input.setAttribute("aria-valuetext", words);
    this.value.textContent = words;
    const share = (value) => (100 * (toSlider(control, value) - input.min)) / (input.max - input.min);
    const [from, to] = [share(control.unit === "Hz" ? number : control.start), share(number)].sort((a, b) => a - b);
    this.element.style.setProperty("--from", `${from}%`);
    this.element.style.setProperty("--to", `${to}%`);
  }
}

/** The fader's way from the bottom in per cent, where dB are written beside it. */
const heightOf = (db) => (100 * (db - METER_FLOOR_DB)) / (SCALE_DB[0] - METER_FLOOR_DB);

/** A fader with its scale, beside a meter of two channels. */
function faderWithMeter(fader) {
  const element = document.createElement("div");
  element.className = "throw";
  const marks = SCALE_DB.map((db) => {
    const text = db === METER_FLOOR_DB ? "off" : db > 0 ? `+${db}` : String(db).replace("-", MINUS);
    return `<i style="bottom: ${heightOf(db)}%"${db === 0 ? ' class="unity"' : ""}>${text}</i>`;
  });
  element.innerHTML = `<div class="scale" aria-hidden="true">${marks.join("")}</div>
    <div class="meter" aria-hidden="true">${'<div class="bar"><b></b><s></s></div>'.repeat(2)}</div>`;
  element.prepend(fader.element);
  const bars = [...element.querySelectorAll(".bar")];
  const show = (levels) =>
    bars.forEach((bar, channel) => {
      const { rmsDb = -Infinity, heldDb = -Infinity } = levels?.[channel] ?? {};
      const place = (db) => `${Math.max(0, Math.min(100, heightOf(db)))}%`;
      bar.style.setProperty("--rms", place(rmsDb));
      bar.style.setProperty("--peak", place(heldDb));
      bar.classList.toggle("over", heldDb > 0);
    });
  return { element, show };
}

/** Peak and RMS of an analyser in dB; the peak falls slowly. */
class Level {
  constructor(analyser) {
    this.analyser = analyser;
    this.samples = new Float32Array(analyser.fftSize);
    this.reset();
  }

  reset() {
    this.rmsDb = this.peakDb = this.heldDb = this.highestDb = -Infinity;
  }

  read() {
    this.analyser.getFloatTimeDomainData(this.samples);
    let [peak, power] = [0, 0];
    for (const value of this.samples) {
      peak = Math.max(peak, Math.abs(value));
      power += value * value;
    }
    this.rmsDb = 10 * Math.log10(power / this.samples.length);
    this.peakDb = 20 * Math.log10(peak);
    this.heldDb = Math.max(this.peakDb, this.heldDb - 0.35);
    this.highestDb = Math.max(this.peakDb, this.highestDb);
    return this;
  }
}

class Strip {
  /** changed(key, value): what the reader did. */
  constructor(number, name, config, changed) {
    this.element = document.createElement("div");
    this.element.className = "strip";
    this.element.setAttribute("role", "group");
    this.element.setAttribute("aria-label", name);
    this.element.innerHTML = `
      <div class="name"><span class="key" aria-hidden="true"></span><span class="label"></span></div>
      <div class="block equaliser"></div>
      <div class="block compressor"></div>
      <div class="block sends"></div>
      <div class="switches">
        <button type="button" class="mute" aria-pressed="false" title="Mute (M)">M</button>
        <button type="button" class="solo" aria-pressed="false" title="Solo (S)">S</button>
      </div>`;
    const part = (selector) => this.element.querySelector(selector);
    part(".key").textContent = number < 9 ? number + 1 : "";
    Object.assign(part(".label"), { textContent: name, title: name });
    this.sliders = {};
    for (const control of config.controls) {
      this.sliders[control.key] = new Slider(control, name, (value) => changed(control.key, value));
    }
    const put = (place, ...keys) => part(place).append(...keys.map((key) => this.sliders[key].element));
    put(".equaliser", "high_db", "mid_db", "mid_hz", "low_db");
    put(".compressor", "threshold_db", "ratio", "makeup_db");
    part(".compressor").insertAdjacentHTML("beforeend", '<div class="reduction" aria-hidden="true"><b></b></div>');
    put(".sends", "send_db", "pan");
    this.throw = faderWithMeter(this.sliders.fader_db);
    this.element.append(this.throw.element);
    this.switches = ["mute", "solo"].map((key) => {
      const button = part(`.${key}`);
      button.setAttribute("aria-label", `${key === "mute" ? "Mute" : "Solo"} ${name}`);
      button.addEventListener("click", () => changed(key, button.getAttribute("aria-pressed") !== "true"));
      return [key, button];
    });
    this.reduction = part(".reduction b");
  }

  show(settings, heard) {
    for (const [key, slider] of Object.entries(this.sliders)) slider.show(settings[key]);
    for (const [key, button] of this.switches) button.setAttribute("aria-pressed", settings[key]);
    this.element.classList.toggle("unheard", !heard);
  }

  /** nodes: the strip's part of the desk; null clears the meters. */
  showLevels(nodes) {
    if (nodes) this.levels ??= nodes.analysers.map((analyser) => new Level(analyser));
    this.throw.show(nodes && this.levels.map((level) => level.read()));
    this.reduction.style.width = `${nodes ? Math.min(100, (-100 * nodes.compressor.reduction) / 24) : 0}%`;
  }
}
