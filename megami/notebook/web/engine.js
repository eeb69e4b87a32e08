// Sound: plays one of several recordings of the same song and moves between them without losing the place.
//
// Two engines with one interface: load(index), loadAll(), play(), pause(), seek(seconds), select(index), setLoop(region),
// position(), setGain(gain), copy(from, to), forget(), and the fields `index`, `playing`, `onend`, `duration`, `apart`,
// `wholeFirst`.
//   BufferEngine  decodes every item and crossfades sample-aligned voices (Web Audio). The normal case.
//   StreamEngine  drives <audio> elements: for pages opened from disk, where a script may not read a file beside
//                 the page, and for songs too long to keep decoded.

const FADE_SECONDS = 0.015; // long enough not to click, short enough to feel instant
const LEAD_SECONDS = 0.01; // schedule a little ahead of the audio clock, so that ramps are never late

/** One context for all players of a page: browsers allow only a few. */
function sharedAudioContext(sampleRate) {
  if (!window.megamiAudioContext) {
    try {
      window.megamiAudioContext = new AudioContext({ sampleRate, latencyHint: "interactive" });
    } catch {
      window.megamiAudioContext = new AudioContext();
    }
  }
  return window.megamiAudioContext;
}

/** The compressed bytes behind a URL; data: URLs are unpacked here, because fetch() may be forbidden on them. */
async function compressedBytes(url) {
  if (url.startsWith("data:")) {
    const binary = atob(url.slice(url.indexOf(",") + 1));
    return Uint8Array.from(binary, (character) => character.charCodeAt(0)).buffer;
  }
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`${url}: ${answer.status}`);
  return answer.arrayBuffer();
}

/** Where playing from `start` has come to after `elapsed` seconds, going round the loop if there is one. */
function positionAfter(start, elapsed, loop, duration) {
  const position = start + Math.max(0, elapsed);
  if (!loop) return Math.min(position, duration);
  if (position < loop.end) return position;
  return loop.start + ((position - loop.start) % (loop.end - loop.start));
}

class BufferEngine {
  constructor(urls, duration, sampleRate) {
    this.urls = urls;
    this.duration = duration;
    this.sampleRate = sampleRate;
    this.decoded = urls.map(() => null); // promises of AudioBuffers
    this.index = 0;
    this.playing = false;
    this.loop = null;
    this.startPosition = 0; // where the song stood ...
    this.startTime = 0; // ... at this time of the audio clock
    this.voice = null;
    this.busyUntil = 0; // a crossfade is not interrupted: the next waits until it has ended
    this.gain = 1;
    this.copies = {}; // items that are others under a second number
    this.apart = false; // tests: fade out, then in, so that a switch tells nothing of how much two items have in common
    this.wholeFirst = false; // tests: no item is to be known by how long it takes to load
    this.onend = () => {};
  }

  /** Item `to` is to play what item `from` plays. */
  copy(from, to) {
    this.copies[to] = from;
    this.decoded[to] = null;
  }

  /** Gives back the memory of what was decoded. */
  forget() {
    this.pause();
    this.decoded = this.urls.map(() => null);
  }

  setGain(gain) {
    this.gain = gain;
    this.output?.gain.setTargetAtTime(gain, this.context.currentTime, FADE_SECONDS);
  }

  load(index) {
    this.context ??= sharedAudioContext(this.sampleRate);
    if (!this.output) {
      this.output = this.context.createGain();
      this.output.gain.value = this.gain;
      this.output.connect(this.context.destination);
    }
    if (index in this.copies) return (this.decoded[index] = this.load(this.copies[index]));
    this.decoded[index] ??= compressedBytes(this.urls[index])
      .then((bytes) => this.context.decodeAudioData(bytes))
      .then((buffer) => (this.decoded[index].buffer = buffer));
    return this.decoded[index];
  }

  loadAll() {
    return Promise.all(this.urls.map((_, index) => this.load(index)));
  }

  position(time = this.context?.currentTime) {
    if (!this.playing || !this.voice) return this.startPosition;
    return positionAfter(this.startPosition, time - this.startTime, this.loop, this.duration);
  }

  async play() {
    if (this.playing) return;
    this.playing = true;
    await (this.wholeFirst ? this.loadAll() : this.load(this.index));
    await this.context.resume();
    let index;
    do {
      index = this.index;
      await this.load(index);
    } while (index !== this.index); // another was chosen while this one was loading
    if (this.playing && !this.voice) this.#moveTo(this.startPosition);
  }

  pause(position = this.position()) {
    this.playing = false;
    this.startPosition = position;
    if (this.voice) this.#stop(this.voice, this.#nextTime());
    this.voice = null;
  }

  seek(seconds) {
    const position = Math.min(Math.max(0, seconds), this.duration);
    if (this.voice) this.#moveTo(position);
    else this.startPosition = position;
  }

  async select(index) {
    this.index = index;
    if (!this.playing) return;
    await this.load(index);
    if (this.index !== index || !this.voice || this.voice.index === index) return;
    const when = this.#nextTime();
    const then = this.apart ? this.#onSample(when + FADE_SECONDS + LEAD_SECONDS) : when;
    const position = this.#onSample(this.position(then)); // same clock, same origin: the place is kept to the sample
    this.#stop(this.voice, when);
    this.voice = this.#start(index, position, then);
  }

  setLoop(region) {
    const position = this.position();
    this.loop = region;
    const inside = !region || (position >= region.start && position < region.end);
    this.seek(inside ? position : region.start);
  }

  #nextTime() {
    return this.#onSample(Math.max(this.context.currentTime + LEAD_SECONDS, this.busyUntil));
  }

  /** Voices start on whole samples: between them, browsers interpolate, which dulls the sound. */
  #onSample(seconds) {
    return Math.round(seconds * this.context.sampleRate) / this.context.sampleRate;
  }

  #moveTo(position) {
    const when = this.#nextTime();
    const inLoop = this.loop && position >= this.loop.end ? this.loop.start : position;
    const start = !this.loop && inLoop >= this.duration ? 0 : this.#onSample(inLoop);
    if (this.voice) this.#stop(this.voice, when);
    this.startPosition = start;
    this.startTime = when;
    this.voice = this.#start(this.index, start, when);
  }

  #start(index, position, when) {
    const source = this.context.createBufferSource();
    const gain = this.context.createGain();
    source.buffer = this.decoded[index].buffer;
    gain.gain.setValueAtTime(0, when);
    gain.gain.linearRampToValueAtTime(1, when + FADE_SECONDS);
    source.connect(gain).connect(this.output);
    if (this.loop) {
      Object.assign(source, { loop: true, loopStart: this.loop.start, loopEnd: this.loop.end });
      source.start(when, position);
    } else {
      source.start(when, position, Math.max(0, this.duration - position));
    }
    const voice = { source, gain, index };
    source.onended = () => this.#ended(voice);
    this.busyUntil = when + FADE_SECONDS;
    return voice;
  }

  #stop(voice, when) {
    voice.gain.gain.setValueAtTime(1, when);
    voice.gain.gain.linearRampToValueAtTime(0, when + FADE_SECONDS);
    voice.source.stop(when + FADE_SECONDS + LEAD_SECONDS);
    this.busyUntil = when + FADE_SECONDS;
  }

  #ended(voice) {
    voice.gain.disconnect();
    if (voice !== this.voice) return; // was replaced by another
    this.voice = null;
    this.playing = false;
    this.startPosition = 0;
    this.onend();
  }
}

class StreamEngine {
  constructor(elements, duration) {
    this.elements = elements;
    this.duration = duration;
    this.index = 0;
    this.playing = false;
    this.loop = null;
    this.gain = 1;
    this.apart = false;
    this.onend = () => {};
    for (const element of elements) this.#watch(element);
  }

  #watch(element) {
    element.addEventListener("ended", () => this.#ended(element));
    element.addEventListener("timeupdate", () => this.#goRound(element));
  }

  copy(from, to) {
    this.elements[to]?.pause();
    this.elements[to] = this.elements[from].cloneNode();
    this.#watch(this.elements[to]);
  }

  forget() {
    this.pause();
  }

  setGain(gain) {
    this.gain = gain;
    this.active.volume = gain;
  }

  get active() {
    return this.elements[this.index];
  }

  async load(index) {
    const element = this.elements[index];
    element.preload = "auto";
    if (element.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA) return;
    await new Promise((resolve, reject) => {
      element.addEventListener("loadeddata", resolve, { once: true });
      element.addEventListener("error", () => reject(new Error(element.src)), { once: true });
      element.load();
    });
  }

  loadAll() {
    return Promise.all(this.elements.map((_, index) => this.load(index)));
  }

  position() {
    return this.active.currentTime;
  }

  async play() {
    this.playing = true;
    this.active.volume = this.gain;
    await this.active.play();
  }

  pause(position = this.position()) {
    this.playing = false;
    for (const element of this.elements) element.pause();
    this.active.currentTime = position;
  }

  seek(seconds) {
    this.active.currentTime = Math.min(Math.max(0, seconds), this.duration);
  }

  async select(index) {
    const before = this.active;
    const after = this.elements[index];
    this.index = index;
    if (before === after) return;
    await this.load(index);
    if (this.index !== index) return;
    after.currentTime = before.currentTime;
    if (!this.playing) return;
    after.volume = 0;
    await after.play();
    if (Math.abs(after.currentTime - before.currentTime) > 0.03) after.currentTime = before.currentTime;
    await crossfade(before, after, this.gain, this.apart);
    for (const element of this.elements) if (element !== this.active) element.pause();
  }

  setLoop(region) {
    this.loop = region;
    if (region && (this.position() < region.start || this.position() >= region.end)) this.seek(region.start);
  }

  #goRound(element) {
    if (this.loop && element === this.active && element.currentTime >= this.loop.end) this.seek(this.loop.start);
  }

  #ended(element) {
    if (element !== this.active) return;
    if (this.loop) {
      this.seek(this.loop.start);
      element.play();
    } else {
      this.pause(0);
      this.onend();
    }
  }
}

/** Short steps of volume: elements have no scheduled ramps. */
async function crossfade(before, after, gain, apart) {
  const out = fade(before, gain, 0);
  if (apart) await out;
  await Promise.all([out, fade(after, 0, gain)]);
}

async function fade(element, from, to, steps = 6) {
  for (let step = 1; step <= steps; step += 1) {
    element.volume = from + ((to - from) * step) / steps;
    await new Promise((resolve) => setTimeout(resolve, (1000 * FADE_SECONDS) / steps));
  }
}
