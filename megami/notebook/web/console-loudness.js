// Loudness after ITU-R BS.1770-4: the K filter for any sample rate, blocks of 400 ms, two gates.

const OFFSET_LU = -0.691;
const ABSOLUTE_GATE_LUFS = -70;
const RELATIVE_GATE_LU = -10;

/** The two second-order sections [{b, a}] of the K filter: the analogue filters behind the standard's table for 48 kHz. */
function kWeighting(sampleRate) {
  // (high s^2 + band s/q + low) / (s^2 + s/q + 1) with s over the corner frequency, by the bilinear transform.
  const section = (hz, q, high, band, low) => {
    const k = Math.tan((Math.PI * hz) / sampleRate);
    const whole = 1 + k / q + k * k;
    const b = [high + (band * k) / q + low * k * k, 2 * (low * k * k - high), high - (band * k) / q + low * k * k];
    const a = [whole, 2 * (k * k - 1), 1 - k / q + k * k];
    return { b: b.map((value) => value / whole), a: a.map((value) => value / whole) };
  };
  const high = 10 ** (3.999843853973347 / 20);
  return [
    section(1681.974450955533, 0.7071752369554196, high, high ** 0.4996667741545416, 1),
    section(38.13547087602444, 0.5003270373238773, 1, 0, 0),
  ];
}

/** Samples of one channel through second-order sections. */
function filtered(samples, sections) {
  const out = Float64Array.from(samples);
  for (const { b, a } of sections) {
    let [first, second] = [0, 0];
    for (let place = 0; place < out.length; place += 1) {
      const value = out[place];
      const result = b[0] * value + first;
      first = b[1] * value - a[1] * result + second;
      second = b[2] * value - a[2] * result;
      out[place] = result;
    }
  }
  return out;
}

const lufs = (power) => OFFSET_LU + 10 * Math.log10(power);
const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Loudness of blocks, given by their K-weighted power over all channels; -Infinity for silence. */
function gatedLoudness(powers) {
  const active = powers.filter((power) => lufs(power) > ABSOLUTE_GATE_LUFS);
  if (!active.length) return -Infinity;
  const gate = lufs(mean(active)) + RELATIVE_GATE_LU;
  return lufs(mean(active.filter((power) => lufs(power) >= gate)));
}

/** Integrated loudness in LUFS of channels of one recording. */
function integratedLoudness(channels, sampleRate) {
  const step = Math.round(0.1 * sampleRate);
  const steps = Math.floor(channels[0].length / step);
  const energy = new Float64Array(Math.max(steps, 0));
  for (const channel of channels) {
    const weighted = filtered(channel, kWeighting(sampleRate));
    for (let place = 0; place < steps * step; place += 1) energy[Math.floor(place / step)] += weighted[place] ** 2;
  }
  const powers = [];
  for (let block = 0; block + 4 <= steps; block += 1) powers.push(mean(energy.subarray(block, block + 4)) / step);
  return gatedLoudness(powers);
}

/** Reads the loudness of what plays: momentary (400 ms) and integrated since it was last reset. */
class LoudnessMeter {
  constructor(context, source) {
    this.context = context;
    const apart = context.createChannelSplitter(2);
    const [shelf, pass] = kWeighting(context.sampleRate).map(
      ({ b, a }) => new IIRFilterNode(context, { feedforward: b, feedback: a }),
    );
    source.connect(shelf).connect(pass).connect(apart);
    this.analysers = [0, 1].map((channel) => {
      const analyser = new AnalyserNode(context, { fftSize: 32768 });
      apart.connect(analyser, channel);
      return analyser;
    });
    this.samples = new Float32Array(32768);
    this.reset();
  }

  reset() {
    this.powers = [];
    this.momentary = this.integrated = -Infinity;
    this.next = 0;
  }

  /** Takes a reading if a tenth of a second has gone by; true if it did. */
  read() {
    const { currentTime, sampleRate } = this.context;
    if (currentTime < this.next) return false;
    this.next = currentTime + 0.1;
    const block = this.samples.subarray(-Math.min(Math.round(0.4 * sampleRate), 32768));
    let power = 0;
    for (const analyser of this.analysers) {
      analyser.getFloatTimeDomainData(this.samples);
      power += block.reduce((sum, value) => sum + value * value, 0) / block.length;
    }
    this.powers.push(power);
    this.momentary = lufs(power);
    this.integrated = gatedLoudness(this.powers);
    return true;
  }
}
