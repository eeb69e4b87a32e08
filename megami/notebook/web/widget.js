// What every widget is made of: a shadow root, so that a page may hold many and neither side's styles touch the other's;
// light or dark after the page; a line for messages; keys.

class Widget {
  /** look: {template, style}, both with what they share with other widgets already in them. */
  constructor(host, look) {
    this.host = host;
    this.config = JSON.parse(host.dataset.config);
    const root = host.attachShadow({ mode: "open" });
    root.innerHTML = `<style>${look.style}</style>${look.template}`;
    this.$ = (selector) => root.querySelector(selector);
    this.$$ = (selector) => [...root.querySelectorAll(selector)];
    this.panel = this.$(".panel");
    this.panel.setAttribute("aria-label", this.config.title || this.config.description || this.config.kind);
    const title = this.$(".title");
    if (title) Object.assign(title, { textContent: this.config.title ?? "", hidden: !this.config.title });
    this.$(".help")?.addEventListener("click", () => this.toggleHelp());
    host.megamiWidget = this;
  }

  /** Shows or hides the list of keys. */
  toggleHelp() {
    const keys = this.$(".keys");
    keys.hidden = !keys.hidden;
    this.$(".help").setAttribute("aria-expanded", !keys.hidden);
  }

  /** To be called at the end of a constructor: from then on `draw` is called whenever colours or sizes change. */
  begin() {
    followTheme(this.host, (dark) => {
      this.panel.classList.toggle("night", dark);
      this.draw();
    });
    new ResizeObserver(() => this.draw()).observe(this.panel);
  }

  /** Draws what depends on colours and sizes. */
  draw() {}

  /** Tells the reader something in the status line, which screen readers speak. */
  say(message, delay = 0) {
    clearTimeout(this.saying);
    this.saying = setTimeout(() => (this.$(".status").textContent = message), delay);
  }

  /** Keys: {name: action}, letters in lower case; action may be a function that gives an action or nothing. */
  listenToKeys(actionOf) {
    const target = this.config.keys === "page" ? document : this.host;
    target.addEventListener("keydown", (event) => {
      if (!this.host.getClientRects().length) return; // hidden, as in a tab that is not shown
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
      const at = event.composedPath()[0];
      if (at.isContentEditable || at.matches?.("textarea, select, input:not([type=range])")) return;
      if ((event.key === " " || event.key === "Enter") && at.matches?.("button, a, summary, audio")) return;
      if (at.matches?.("input[type=range]:not(.seek)") && event.key.startsWith("Arrow")) return; // the slider's own
      if (at.matches?.("input[type=range]:not(.seek)") && event.key === "Home") return;
      const action = actionOf(event.key.length === 1 ? event.key.toLowerCase() : event.key);
      if (!action) return;
      event.preventDefault();
      event.stopPropagation();
      action();
    });
    // After a mouse click the panel takes the focus, so that space means play; with the keyboard, focus stays.
    this.panel.addEventListener("click", (event) => {
      if (event.detail > 0 && !event.target.closest("input, select, textarea, summary")) {
        this.panel.focus({ preventScroll: true });
      }
    });
  }
}

/** Makes a widget of every element of a kind that is not one yet. code: the hash of the scripts that it was written for. */
function startWidgets(kind, code, make) {
  for (const host of document.querySelectorAll(`[data-megami-widget="${kind}"][data-code="${code}"]`)) {
    if (!host.shadowRoot) make(host);
  }
}
