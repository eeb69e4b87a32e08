// Light or dark after the page behind the widget, whatever theme machinery that page uses.

/** Is the first opaque background behind an element dark? (With none, what the reader's system prefers.) */
function isDarkBehind(element) {
  for (let node = element; node instanceof Element; node = node.parentElement || node.getRootNode().host) {
    const colour = getComputedStyle(node).backgroundColor; // rgb(…), rgba(…) or color(srgb …) with parts up to 1
    const [red, green, blue, alpha = 1] = (colour.match(/[\d.]+/g) || []).map(Number);
    const white = colour.startsWith("color(") ? 1 : 255;
    if (blue !== undefined && alpha > 0.5) return (0.299 * red + 0.587 * green + 0.114 * blue) / white < 0.5;
  }
  const schemes = getComputedStyle(document.documentElement).colorScheme;
  return schemes.includes("dark") && matchMedia("(prefers-color-scheme: dark)").matches;
}

/** Calls changed(dark) now, and again whenever the page turns light or dark. */
function followTheme(host, changed) {
  let last = null;
  const follow = () => {
    const dark = isDarkBehind(host);
    if (dark === last) return;
    last = dark;
    host.dataset.megamiTheme = dark ? "dark" : "light";
    changed(dark);
  };
  const settle = () => [0, 400].forEach((delay) => setTimeout(follow, delay)); // pages fade between their themes
  const watcher = new MutationObserver(settle);
  const attributeFilter = ["class", "style", "data-theme", "data-jp-theme-light"];
  for (const element of [document.documentElement, document.body]) watcher.observe(element, { attributeFilter });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", settle);
  follow();
}
