// What a page remembers (quiz answers, a listening test half done), and files that a reader takes away.

/** Keeps one JSON value under a key: across reloads where the browser allows it, else as long as the page is open. */
class Memory {
  constructor(key) {
    this.key = `megami:${key}`;
    this.fallback = null;
  }

  read() {
    try {
      return JSON.parse(localStorage.getItem(this.key)) ?? this.fallback;
    } catch {
      return this.fallback; // a sandboxed frame has no storage
    }
  }

  write(value) {
    this.fallback = value;
    try {
      localStorage.setItem(this.key, JSON.stringify(value));
    } catch {
      // kept in this.fallback
    }
  }

  clear() {
    this.fallback = null;
    try {
      localStorage.removeItem(this.key);
    } catch {
      // nothing was kept
    }
  }
}

/** Hands the reader a file. data: text or bytes. */
function download(fileName, mediaType, data) {
  const url = URL.createObjectURL(new Blob([data], { type: mediaType }));
  const link = Object.assign(document.createElement("a"), { href: url, download: fileName });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** Lets the reader choose a file, and gives its text; null if none was chosen. */
function chooseTextFile(accept) {
  const input = Object.assign(document.createElement("input"), { type: "file", accept });
  return new Promise((resolve) => {
    input.addEventListener("change", () => resolve(input.files[0] ? input.files[0].text() : null));
    input.addEventListener("cancel", () => resolve(null));
    input.click();
  });
}

/** A random order of 0..count-1 (Fisher-Yates). random: a function like Math.random. */
function shuffled(count, random = Math.random) {
  const order = [...Array(count).keys()];
  for (let last = count - 1; last > 0; last -= 1) {
    const other = Math.floor(random() * (last + 1));
    [order[last], order[other]] = [order[other], order[last]];
  }
  return order;
}
