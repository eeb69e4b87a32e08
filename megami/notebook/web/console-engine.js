// Plays all stems through the desk, in step; the interface of BufferEngine (engine.js), so that a Transport can drive it.

class DeskEngine {
  constructor(urls, config) {
    Object.assign(this, { urls, config, duration: config.seconds, sampleRate: config.sampleRate });
    this.buffers = [];
    this.extras = []; // further {buffer, output, delay} that play along: the target
    this.playing = false;
    this.loop = null;
    this.startPosition = 0;
    this.startTime = 0;
    this.voices = null;
    this.index = 0;
    this.onend = () => {};
    this.onready = () => {}; // called once, when there is a context
  }

  #open() {
    if (this.context) return;
    this.context = sharedAudioContext(this.sampleRate);
    this.desk = new Desk(this.context, this.config, true);
    this.mine = this.context.createGain();
    this.output = this.context.createGain();
    this.desk.output.connect(this.mine).connect(this.output).connect(this.context.destination);
    this.onready();
  }

  load() {
    this.#open();
    this.loading ??= Promise.all(
      this.urls.map((url) => compressedBytes(url).then((bytes) => this.context.decodeAudioData(bytes))),
    ).then((buffers) => (this.buffers = buffers));
    return this.loading;
  }

  loadAll() {
    return this.load();
  }

  async select() {}

  position(time = this.context?.currentTime) {
    if (!this.playing || !this.voices) return this.startPosition;
    return positionAfter(this.startPosition, time - this.startTime, this.loop, this.duration);
  }

  async play() {
    if (this.playing) return;
    this.playing = true;
    await this.load();
    await this.context.resume();
    if (this.playing && !this.voices) this.#moveTo(this.startPosition);
  }

  pause(position = this.position()) {
    this.playing = false;
    this.startPosition = position;
    this.#stop(this.context?.currentTime);
  }

  seek(seconds) {
    const position = Math.min(Math.max(0, seconds), this.duration);
    if (this.voices) this.#moveTo(position);
    else this.startPosition = position;
  }

  setLoop(region) {
    const position = this.position();
    this.loop = region;
    const inside = !region || (position >= region.start && position < region.end);
    this.seek(inside ? position : region.start);
  }

  #moveTo(position) {
    const when = this.context.currentTime + LEAD_SECONDS;
    this.#stop(when);
    let start = this.loop && position >= this.loop.end ? this.loop.start : position;
    if (!this.loop && start >= this.duration) start = 0;
    this.startPosition = start;
    this.startTime = when;
    const stems = this.desk.strips.map(({ input }, number) => ({ buffer: this.buffers[number], output: input, delay: 0 }));
    this.voices = [...stems, ...this.extras].map((part) => this.#start(part, start, when));
    this.voices[0].source.onended = (event) => this.#ended(event.target);
  }

  #start({ buffer, output, delay }, position, when) {
    const source = new AudioBufferSourceNode(this.context, { buffer });
    const gain = this.context.createGain();
    gain.gain.setValueAtTime(0, when + delay);
    gain.gain.linearRampToValueAtTime(1, when + delay + FADE_SECONDS);
    source.connect(gain).connect(output);
    if (this.loop) {
      Object.assign(source, { loop: true, loopStart: this.loop.start, loopEnd: this.loop.end });
      source.start(when + delay, position);
    } else {
      source.start(when + delay, position, Math.max(0, this.duration - position));
    }
    return { source, gain };
  }

  #stop(when) {
    for (const { source, gain } of this.voices ?? []) {
      gain.gain.cancelScheduledValues(when);
      gain.gain.setTargetAtTime(0, when, FADE_SECONDS / 4);
      source.stop(when + 2 * FADE_SECONDS);
    }
    this.voices = null;
  }

  #ended(source) {
    if (source !== this.voices?.[0].source) return; // was replaced by another
    this.voices = null;
    this.playing = false;
    this.startPosition = 0;
    this.onend();
  }
}
