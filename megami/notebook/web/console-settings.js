// Settings as JSON, in the form that console_settings.py reads.

/** {tracks: {name: {...}}, master_db} -> {strips: [...], master_db}; what is left out stands at its start. */
function stripsOf(data, config) {
  const start = { mute: false, solo: false };
  for (const { key, start: value } of config.controls) start[key] = value;
  const strips = config.names.map((name) => ({ ...start, ...data.tracks?.[name] }));
  return { strips, master_db: data.master_db ?? config.masterControl.start };
}

function asJson({ strips, master_db }, config) {
  return { tracks: Object.fromEntries(config.names.map((name, number) => [name, strips[number]])), master_db };
}

/** Settings from JSON text. Throws an Error that says what is wrong. */
function parseSettings(text, config) {
  let data;
  try {
    data = JSON.parse(text);
  } catch {
    throw new Error("this is not JSON");
  }
  if (!isObject(data) || !isObject(data.tracks)) throw new Error('there is no {"tracks": {…}} in it');
  check("the master", "master_db", data.master_db ?? 0, config.masterControl);
  for (const [name, strip] of Object.entries(data.tracks)) {
    if (!config.names.includes(name)) throw new Error(`there is no track called ${name} here`);
    if (!isObject(strip)) throw new Error(`${name} has no settings`);
    for (const [key, value] of Object.entries(strip)) {
      check(name, key, value, config.controls.find((control) => control.key === key));
    }
  }
  return stripsOf(data, config);
}

const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);

function check(owner, key, value, control) {
  if (key === "mute" || key === "solo") {
    if (typeof value !== "boolean") throw new Error(`${owner}: ${key} must be true or false`);
  } else if (!control) {
    throw new Error(`${owner}: there is no control ${key}`);
  } else if (!Number.isFinite(value) || value < control.low || value > control.high) {
    throw new Error(`${owner}: ${key} must be a number from ${control.low} to ${control.high}`);
  }
}
