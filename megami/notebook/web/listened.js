// What was listened to in a test: how often each item was put on, and for how long.

const LOOK_MS = 50;

class Listened {
  /** host: of the widget; count: of items. changed(): called whenever a listener has heard more. */
  constructor(host, engine, count, changed = () => {}) {
    Object.assign(this, { host, engine, changed });
    this.plays = Array(count).fill(0);
    this.seconds = Array(count).fill(0);
    this.last = null; // what was heard at the last look {index, time}
    this.timer = setInterval(() => this.look(), LOOK_MS);
  }

  /** Goes on from what was heard before a reload. */
  restore({ plays, seconds }) {
    this.plays = [...plays];
    this.seconds = [...seconds];
  }

  look() {
    const { engine, host } = this;
    if (!host.isConnected) clearInterval(this.timer); // the widget was taken off the page
    const now = performance.now() / 1000;
    const sounding = engine.playing && (!("voice" in engine) || engine.voice); // it may still be loading
    const before = this.last;
    this.last = sounding ? { index: engine.index, time: now } : null;
    if (!this.last && !before) return;
    if (before) this.seconds[before.index] += now - before.time;
    if (this.last && before?.index !== this.last.index) this.plays[this.last.index] += 1;
    this.changed();
  }

  /** The counts, rounded: plays, and seconds to a tenth. */
  counts() {
    return { plays: [...this.plays], seconds: this.seconds.map((value) => Math.round(value * 10) / 10) };
  }

  stop() {
    this.look();
    clearInterval(this.timer);
  }
}
