// Pictures: the small overview of each recording (overview.py).

const FIELDS_PER_COLUMN = 5; // left RMS, left peak, right RMS, right peak, brightness (overview.py)

function hexToRgb(text) {
  const digits = text.trim().slice(1);
  return [0, 2, 4].map((start) => parseInt(digits.slice(start, start + 2), 16));
}

function mixColours(ramp, amount) {
  const place = amount * (ramp.length - 1);
  const lower = Math.min(Math.floor(place), ramp.length - 2);
  const rest = place - lower;
  return ramp[lower].map((value, channel) => Math.round(value + rest * (ramp[lower + 1][channel] - value)));
}

function overviewOf(item) {
  item.bytes ??= Uint8Array.from(atob(item.overview), (character) => character.charCodeAt(0));
  return item.bytes;
}

/** Left channel upwards and right channel downwards from the middle; peaks pale, RMS full; colour by brightness. */
function drawOverview(canvas, bytes, ramp, lineColour) {
  const scale = window.devicePixelRatio || 1;
  const width = Math.round(canvas.clientWidth * scale);
  const height = Math.round(canvas.clientHeight * scale);
  if (!width || !height) return;
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d");
  const middle = height / 2;
  context.fillStyle = lineColour;
  context.fillRect(0, middle - scale / 2, width, scale);
  if (!bytes) return; // blind: nothing to recognise
  const columns = bytes.length / FIELDS_PER_COLUMN;
  const step = Math.max(1, Math.round(width / Math.min(columns, width / (2 * scale)))); // bars of about 2 px
  for (let x = 0; x < width; x += step) {
    const first = Math.floor((x / width) * columns);
    const last = Math.max(first + 1, Math.floor(((x + step) / width) * columns));
    const bar = strongest(bytes, first, Math.min(last, columns));
    const [red, green, blue] = mixColours(ramp, bar[4] / 255);
    for (const [field, alpha] of [[1, 0.38], [0, 1]]) {
      const up = (bar[field] / 255) * (middle - scale);
      const down = (bar[field + 2] / 255) * (middle - scale);
      context.fillStyle = `rgba(${red}, ${green}, ${blue}, ${alpha})`;
      context.fillRect(x, middle - up, Math.max(1, step - scale * 0.5), up + down);
    }
  }
}

/** The largest value of each field over columns first..last-1, and their mean brightness. */
function strongest(bytes, first, last) {
  const bar = [0, 0, 0, 0, 0];
  for (let column = first; column < last; column += 1) {
    for (let field = 0; field < 4; field += 1) {
      bar[field] = Math.max(bar[field], bytes[column * FIELDS_PER_COLUMN + field]);
    }
    bar[4] += bytes[column * FIELDS_PER_COLUMN + 4] / (last - first);
  }
  return bar;
}

/** The colours of dark, middling and bright sound, as the style sheet has them. */
function brightnessRamp(element) {
  const style = getComputedStyle(element);
  return ["--low", "--mid", "--high"].map((name) => hexToRgb(style.getPropertyValue(name)));
}
