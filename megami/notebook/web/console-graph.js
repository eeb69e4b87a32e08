// The signal path of the console, in whatever context: the page's own, or one that renders without waiting.
//
// stem -> low shelf -> bell -> high shelf -> compressor -> make-up -> fader -> balance -> bus -> master fader
//                                                                             \-> send -> one reverb -> bus

const GLIDE_SECONDS = 0.02; // time constant of every change of a control, so that none clicks
const LEAD_IN_SECONDS = 0.5; // of silence: at the start of its life, a compressor turns down by a little
const EQ_HZ = Array.from({ length: 28 }, (_, step) => 31.25 * 2 ** (step / 3)); // thirds of an octave, 31 Hz to 16 kHz

/** Which tracks are heard: those that are not muted; where any is soloed, of these only the soloed ones. */
function heardTracks(strips) {
  const anySolo = strips.some((strip) => strip.solo);
  return strips.map((strip) => !strip.mute && (!anySolo || strip.solo));
}

/** dB as a factor; at or below offDb nothing passes. */
const factorOf = (db, offDb = -Infinity) => (db <= offDb ? 0 : 10 ** (db / 20));

/** Balance, for stereo stems: the far channel is turned down to cos(|pan| pi/2), the near one stays. */
function balanceOf(pan) {
  const far = Math.cos((Math.abs(pan) * Math.PI) / 2);
  return pan > 0 ? [far, 1] : [1, far];
}

/** The make-up gain in dB that browsers add by themselves: 0.6 of what full scale is turned down (Web Audio standard). */
const ownMakeupDb = ({ threshold_db, ratio }) => -0.6 * threshold_db * (1 - 1 / ratio);

class Desk {
  /** meters: with analysers after each balance; only the page's own desk has them. */
  constructor(context, config, meters = false) {
    Object.assign(this, { context, offDb: config.desk.offDb, desk: config.desk, meters });
    this.bus = context.createGain();
    this.output = context.createGain();
    this.reverb = context.createConvolver();
    this.reverb.normalize = false;
    this.reverb.buffer = reverbResponse(context.sampleRate, config.desk);
    this.reverb.connect(this.bus).connect(this.output);
    this.strips = config.names.map(() => this.#makeStrip());
  }

  #makeStrip() {
    const { context, desk } = this;
    const strip = {
      input: new GainNode(context, { channelCount: 2, channelCountMode: "explicit" }), // mono plays on both sides
      low: new BiquadFilterNode(context, { type: "lowshelf", frequency: desk.lowHz }),
      mid: new BiquadFilterNode(context, { type: "peaking", Q: desk.midQ }),
      high: new BiquadFilterNode(context, { type: "highshelf", frequency: desk.highHz }),
      compressor: new DynamicsCompressorNode(context, { knee: 0, attack: desk.attack, release: desk.release }),
      makeup: context.createGain(),
      fader: context.createGain(),
      sides: [context.createGain(), context.createGain()],
      send: context.createGain(),
    };
    const { input, low, mid, high, compressor, makeup, fader, sides, send } = strip;
    const apart = context.createChannelSplitter(2);
    const together = context.createChannelMerger(2);
    input.connect(low).connect(mid).connect(high).connect(compressor).connect(makeup).connect(fader).connect(apart);
    sides.forEach((side, channel) => {
      apart.connect(side, channel);
      side.connect(together, 0, channel);
    });
    together.connect(this.bus);
    together.connect(send).connect(this.reverb);
    if (this.meters) strip.analysers = sides.map((side) => side.connect(new AnalyserNode(context, { fftSize: 2048 })));
    return strip;
  }

  /** Turns every control to where settings {strips, master_db} have it: at once, or gliding. */
  set({ strips, master_db }, glide = false) {
    const heard = heardTracks(strips);
    const turn = (parameter, value) => turnTo(parameter, value, glide && this.context.currentTime);
    strips.forEach((settings, number) => {
      const { low, mid, high, compressor, makeup, fader, sides, send } = this.strips[number];
      turn(low.gain, settings.low_db);
      turn(mid.gain, settings.mid_db);
      turn(mid.frequency, settings.mid_hz);
      turn(high.gain, settings.high_db);
      turn(compressor.threshold, settings.threshold_db);
      turn(compressor.ratio, settings.ratio);
      turn(makeup.gain, factorOf(settings.makeup_db - ownMakeupDb(settings)));
      turn(fader.gain, heard[number] ? factorOf(settings.fader_db, this.offDb) : 0);
      balanceOf(settings.pan).forEach((gain, channel) => turn(sides[channel].gain, gain));
      turn(send.gain, factorOf(settings.send_db, this.offDb));
    });
    turn(this.output.gain, factorOf(master_db, this.offDb));
  }
}

/** now: false for at once, else the time from which to glide. */
function turnTo(parameter, value, now) {
  if (now === false) {
    parameter.value = value;
  } else if (parameter.aim !== value) {
    parameter.cancelScheduledValues(now);
    parameter.setTargetAtTime(value, now, GLIDE_SECONDS);
  }
  parameter.aim = value;
}

/** Random numbers from 0 to 1, the same for the same seed (mulberry32). */
function seeded(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** A room: noise that dies away by 60 dB in reverbSeconds, high frequencies sooner; of unit energy in each channel. */
function reverbResponse(sampleRate, { reverbSeconds, reverbDelay, reverbSeed }) {
  const delay = Math.round(reverbDelay * sampleRate);
  const length = delay + Math.round(1.1 * reverbSeconds * sampleRate);
  const buffer = new AudioBuffer({ numberOfChannels: 2, length, sampleRate });
  const random = seeded(reverbSeed);
  for (let channel = 0; channel < 2; channel += 1) {
    const samples = buffer.getChannelData(channel);
    let [dark, rumble, energy] = [0, 0, 0];
    for (let place = delay; place < length; place += 1) {
      const seconds = (place - delay) / sampleRate;
      const cutoff = 1500 + 7500 * Math.exp(-3 * seconds);
      const noise = (2 * random() - 1) * 10 ** ((-3 * seconds) / reverbSeconds) * Math.min(1, seconds / 0.004);
      dark += (1 - Math.exp((-2 * Math.PI * cutoff) / sampleRate)) * (noise - dark);
      rumble += (1 - Math.exp((-2 * Math.PI * 180) / sampleRate)) * (dark - rumble);
      samples[place] = dark - rumble;
      energy += samples[place] ** 2;
    }
    for (let place = delay; place < length; place += 1) samples[place] /= Math.sqrt(energy);
  }
  return buffer;
}

/** The mix of decoded stems at given settings: [left, right], as long as the song, with the reverb's end if withTail. */
async function renderMix(buffers, settings, config, withTail = false) {
  const { sampleRate } = buffers[0];
  const lead = Math.round(LEAD_IN_SECONDS * sampleRate);
  const late = lead + (await compressorDelay(sampleRate));
  const sends = withTail && settings.strips.some((strip) => strip.send_db > config.desk.offDb);
  const length = Math.round(config.seconds * sampleRate) + (sends ? Math.round(config.desk.reverbSeconds * sampleRate) : 0);
  const context = new OfflineAudioContext(2, length + late, sampleRate);
  const desk = new Desk(context, config);
  desk.set(settings);
  desk.output.connect(context.destination);
  buffers.slice(0, config.names.length).forEach((buffer, number) => {
    const source = new AudioBufferSourceNode(context, { buffer });
    source.connect(desk.strips[number].input);
    source.start(lead / sampleRate);
  });
  const rendered = await context.startRendering();
  return [0, 1].map((channel) => rendered.getChannelData(channel).subarray(late));
}

/** By how many samples a browser's compressor looks ahead; all tracks are late by as much. */
async function compressorDelay(sampleRate) {
  const context = new OfflineAudioContext(1, Math.round(0.05 * sampleRate), sampleRate);
  const click = new AudioBuffer({ length: 1, sampleRate });
  click.getChannelData(0)[0] = 0.5;
  const source = new AudioBufferSourceNode(context, { buffer: click });
  source.connect(new DynamicsCompressorNode(context, { threshold: 0, knee: 0, ratio: 1 })).connect(context.destination);
  source.start();
  const heard = (await context.startRendering()).getChannelData(0);
  return heard.reduce((best, value, place) => (Math.abs(value) > Math.abs(heard[best]) ? place : best), 0);
}

/** What a strip's equaliser does at the frequencies of EQ_HZ, in dB. */
function equaliserCurve(settings, config, sampleRate) {
  const context = new OfflineAudioContext(1, 1, sampleRate);
  const hz = Float32Array.from(EQ_HZ);
  const { lowHz, midQ, highHz } = config.desk;
  const filters = [
    { type: "lowshelf", frequency: lowHz, gain: settings.low_db },
    { type: "peaking", frequency: settings.mid_hz, Q: midQ, gain: settings.mid_db },
    { type: "highshelf", frequency: highHz, gain: settings.high_db },
  ];
  const sum = new Float64Array(hz.length);
  for (const options of filters) {
    const [size, phase] = [new Float32Array(hz.length), new Float32Array(hz.length)];
    new BiquadFilterNode(context, options).getFrequencyResponse(hz, size, phase);
    size.forEach((value, place) => (sum[place] += 20 * Math.log10(value)));
  }
  return sum;
}
