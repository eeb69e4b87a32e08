// A mix as a WAV file.

/** The largest sample of all channels, as a factor of full scale. */
function peakOf(channels) {
  let peak = 0;
  for (const channel of channels) for (const value of channel) peak = Math.max(peak, Math.abs(value));
  return peak;
}

/** The bytes of a WAV file of 16 (with triangular dither) or 24 bits; what is beyond full scale is clipped. */
function wavFile(channels, sampleRate, bits) {
  const width = bits / 8;
  const frames = channels[0].length;
  const size = frames * channels.length * width;
  const view = new DataView(new ArrayBuffer(44 + size));
  const text = (at, letters) => [...letters].forEach((letter, place) => view.setUint8(at + place, letter.charCodeAt(0)));
  text(0, "RIFF");
  view.setUint32(4, 36 + size, true);
  text(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true); // PCM
  view.setUint16(22, channels.length, true);
  view.setUint32(24, sampleRate, true);
  view.setUint32(28, sampleRate * channels.length * width, true);
  view.setUint16(32, channels.length * width, true);
  view.setUint16(34, bits, true);
  text(36, "data");
  view.setUint32(40, size, true);
  const [full, random] = [2 ** (bits - 1), seeded(1)];
  let at = 44;
  for (let frame = 0; frame < frames; frame += 1) {
    for (const channel of channels) {
      const dither = bits === 16 && channel[frame] !== 0 ? random() - random() : 0;
      const value = Math.max(-full, Math.min(full - 1, Math.round(channel[frame] * full + dither)));
      view.setInt16(at, bits === 16 ? value : value & 0xffff, true);
      if (bits === 24) {
        view.setUint16(at, value & 0xffff, true);
        view.setInt8(at + 2, value >> 16);
      }
      at += width;
    }
  }
  return view.buffer;
}
