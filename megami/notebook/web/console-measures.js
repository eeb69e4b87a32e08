// What can be measured of each track of a mix, as evaluation/measures/tracks_in_mix.py and descriptors.py do.

const FRAME = 4096;
const FRAME_HOP = 2048;
const OCTAVES_HZ = [0, 88, 177, 354, 707, 1414, 2828, 5657, 22050];
const REGIONS_HZ = [0, 250, 4000, 22050];
const MEASURE_FLOOR = 1e-9;
const LOWEST_DB = -40;
const CLEAR_RANGE_DB = 40;

const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
const ratioDb = (ratio, low, high) => clamp(10 * Math.log10(Math.max(ratio, 1e-12)), low, high);
const total = (values) => values.reduce((sum, value) => sum + value, 0);

/** Fourier transform of FRAME complex numbers, in place: bits reversed, then butterflies. */
const transform = (() => {
  const cosines = Float64Array.from({ length: FRAME / 2 }, (_, place) => Math.cos((2 * Math.PI * place) / FRAME));
  const sines = Float64Array.from({ length: FRAME / 2 }, (_, place) => -Math.sin((2 * Math.PI * place) / FRAME));
  const bits = Math.log2(FRAME);
  const reversed = Uint16Array.from({ length: FRAME }, (_, place) => {
    let [from, to] = [place, 0];
    for (let bit = 0; bit < bits; bit += 1, from >>= 1) to = (to << 1) | (from & 1);
    return to;
  });
  return (real, imaginary) => {
    for (let place = 0; place < FRAME; place += 1) {
      const other = reversed[place];
      if (other <= place) continue;
      [real[place], real[other]] = [real[other], real[place]];
      [imaginary[place], imaginary[other]] = [imaginary[other], imaginary[place]];
    }
    for (let half = 1; half < FRAME; half *= 2) {
      for (let start = 0; start < FRAME; start += 2 * half) {
        for (let place = 0; place < half; place += 1) {
          const [c, s] = [cosines[(place * FRAME) / (2 * half)], sines[(place * FRAME) / (2 * half)]];
          const [low, high] = [start + place, start + place + half];
          const turnedReal = real[high] * c - imaginary[high] * s;
          const turnedImaginary = real[high] * s + imaginary[high] * c;
          real[high] = real[low] - turnedReal;
          imaginary[high] = imaginary[low] - turnedImaginary;
          real[low] += turnedReal;
          imaginary[low] += turnedImaginary;
        }
      }
    }
  };
})();

/** Power spectra, averaged over frames, of left + right together, of mid and of side: {both, mid, side}. */
function meanPowers([left, right]) {
  const bins = FRAME / 2 + 1;
  const powers = { both: new Float64Array(bins), mid: new Float64Array(bins), side: new Float64Array(bins) };
  const frames = Math.floor(left.length / FRAME_HOP) + 1;
  const window = Float64Array.from({ length: FRAME }, (_, place) => 0.5 - 0.5 * Math.cos((2 * Math.PI * place) / FRAME));
  const [real, imaginary] = [new Float64Array(FRAME), new Float64Array(FRAME)];
  for (let frame = 0; frame < frames; frame += 1) {
    const begin = frame * FRAME_HOP - FRAME / 2; // centred, with silence before and after
    for (let place = 0; place < FRAME; place += 1) {
      const inside = begin + place >= 0 && begin + place < left.length;
      real[place] = inside ? left[begin + place] * window[place] : 0;
      imaginary[place] = inside ? right[begin + place] * window[place] : 0;
    }
    transform(real, imaginary);
    for (let bin = 0; bin < bins; bin += 1) {
      const mirror = (FRAME - bin) % FRAME; // left is the part that is its own mirror image, right the other
      const l = [(real[bin] + real[mirror]) / 2, (imaginary[bin] - imaginary[mirror]) / 2];
      const r = [(imaginary[bin] + imaginary[mirror]) / 2, (real[mirror] - real[bin]) / 2];
      const both = l[0] ** 2 + l[1] ** 2 + r[0] ** 2 + r[1] ** 2;
      const mid = ((l[0] + r[0]) ** 2 + (l[1] + r[1]) ** 2) / 4;
      powers.both[bin] += both;
      powers.mid[bin] += mid;
      powers.side[bin] += Math.max(0, both / 2 - mid);
    }
  }
  for (const sums of Object.values(powers)) sums.forEach((value, bin) => (sums[bin] = value / frames / FRAME));
  return powers;
}

/** The power between neighbouring frequencies. */
function bandPowers(power, edges, sampleRate) {
  const sums = new Array(edges.length - 1).fill(0);
  power.forEach((value, bin) => {
    const hz = (bin * sampleRate) / FRAME;
    const band = edges.findIndex((edge, number) => hz >= edge && hz < edges[number + 1]);
    if (band >= 0) sums[band] += value;
  });
  return sums;
}

/** The level in dB below which 95 % of the frames of 100 ms lie. */
function loudFramesDb([left, right], sampleRate) {
  const size = Math.trunc(0.1 * sampleRate);
  const levels = Array.from({ length: Math.floor(left.length / size) }, (_, frame) => {
    let sum = 0;
    for (let place = frame * size; place < (frame + 1) * size; place += 1) sum += left[place] ** 2 + right[place] ** 2;
    return ratioDb(sum / size / 2, -120, 20);
  }).sort((one, other) => one - other);
  const place = 0.95 * (levels.length - 1);
  const below = Math.floor(place);
  return levels[below] + (place - below) * ((levels[below + 1] ?? levels[below]) - levels[below]);
}

const meanSquare = (samples) => samples.reduce((sum, value) => sum + value * value, 0) / samples.length;

/** Side over mid in dB between 250 Hz and 4 kHz; a region that hardly sounds has no width. */
function middleWidthDb({ mid, side }, sampleRate) {
  const [mids, sides] = [mid, side].map((power) => bandPowers(power, REGIONS_HZ, sampleRate));
  const floor = (1e-4 * (total(mids) + total(sides))) / mids.length + MEASURE_FLOOR;
  return ratioDb((sides[1] + floor * 1e-3) / (mids[1] + floor), -40, 10);
}

function centroidOctaves({ both }, sampleRate) {
  const whole = total(both) + MEASURE_FLOOR;
  const hz = both.reduce((sum, value, bin) => sum + (value * bin * sampleRate) / FRAME, 0) / whole;
  return Math.log2(Math.max(hz, 20) / 1000);
}

/** How far a track stands above all others, octave by octave, weighted by where it has its power. */
function clearDb(own, others) {
  const weights = own.map((power) => power + MEASURE_FLOOR);
  const whole = total(weights);
  return total(own.map((power, band) => {
    const over = 10 * Math.log10((power + MEASURE_FLOOR) / (others[band] + MEASURE_FLOOR));
    return (weights[band] / whole) * clamp(over, -CLEAR_RANGE_DB, CLEAR_RANGE_DB);
  }));
}

/** Measures of each track [left, right] within the sum of all: [{level_db, off_centre_db, width_db, ...}]. */
function measureTracks(tracks, sampleRate) {
  const mix = [0, 1].map((channel) => {
    const sum = new Float32Array(tracks[0][channel].length);
    for (const track of tracks) track[channel].forEach((value, place) => (sum[place] += value));
    return sum;
  });
  const loudest = loudFramesDb(mix, sampleRate);
  return tracks.map((track) => {
    const powers = meanPowers(track);
    const rest = mix.map((channel, side) => channel.map((value, place) => value - track[side][place]));
    const [left, right] = track.map(meanSquare);
    return {
      level_db: Math.max(LOWEST_DB, loudFramesDb(track, sampleRate) - loudest),
      off_centre_db: Math.abs(ratioDb((right + MEASURE_FLOOR) / (left + MEASURE_FLOOR), -20, 20)),
      width_db: middleWidthDb(powers, sampleRate),
      brightness_octaves: centroidOctaves(powers, sampleRate),
      clear_db: clearDb(
        bandPowers(powers.both, OCTAVES_HZ, sampleRate),
        bandPowers(meanPowers(rest).both, OCTAVES_HZ, sampleRate),
      ),
    };
  });
}
