// The screens with sound: training, ratings, pairs. Each has actionOf(key), missing() (what is still to be done, in a
// sentence) and leave().

/** What is written down of a screen, and kept across reloads. */
const emptyRecord = (count) => ({ plays: Array(count).fill(0), seconds: Array(count).fill(0), elapsed: 0 });

/** "1", "1 and 2", "1, 2 and 3". */
const listed = (names) => (names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`);

class SoundScreen {
  /** order: versions of the page, in the order of their labels. */
  constructor(test, template, page, order, record, labels) {
    Object.assign(this, { test, page, record, labels });
    test.fill(template);
    this.$ = (selector) => test.$(`.screen ${selector}`);
    const elements = order.map(({ version }) => test.audio[page.sounds[version]].cloneNode());
    this.engine = makeEngine(test.host, page, elements);
    Object.assign(this.engine, { apart: true, wholeFirst: true });
    this.engine.setGain(10 ** (test.state.volume_db / 20));
    this.transport = new Transport(test, this.engine);
    this.transport.toggleLoop();
    this.listened = new Listened(test.host, this.engine, order.length, () => this.#heardMore());
    this.listened.restore(record);
    this.since = performance.now();
    this.choices = labels.map((label, index) => this.#makeChoice(label, index));
    this.$(".choices").replaceChildren(...this.choices);
    this.$(".next").addEventListener("click", () => this.test.goOn());
    this.#heardMore();
    this.choose(0);
  }

  #makeChoice(label, index) {
    const button = document.createElement("button");
    Object.assign(button, { type: "button", className: "choose" });
    button.innerHTML = `<span class="letter">${label}</span><span class="tick" aria-hidden="true"></span>`;
    button.addEventListener("click", () => this.hear(index));
    return button;
  }

  /** Puts a version on. */
  choose(index) {
    this.transport.select(index);
    this.listened.look();
    this.choices.forEach((button, number) => button.setAttribute("aria-pressed", number === index));
  }

  hear(index) {
    this.choose(index);
    if (!this.engine.playing) this.transport.play();
  }

  isHeard(index) {
    return this.listened.seconds[index] >= this.test.config.leastSeconds && this.listened.plays[index] > 0;
  }

  #heardMore() {
    this.choices?.forEach((button, index) => {
      const heard = this.isHeard(index);
      button.classList.toggle("heard", heard);
      const label = `Version ${this.labels[index]}, ${heard ? "heard" : "not heard yet"}`;
      if (button.getAttribute("aria-label") !== label) button.setAttribute("aria-label", label);
    });
    if (performance.now() - this.since > 1000) this.note();
  }

  /** Writes down what was heard, and for how long this screen has been looked at. */
  note() {
    const now = performance.now();
    this.record.elapsed += (now - this.since) / 1000;
    this.since = now;
    Object.assign(this.record, { plays: [...this.listened.plays], seconds: [...this.listened.seconds] });
    this.test.save();
  }

  missing() {
    const unheard = this.labels.filter((_, index) => !this.isHeard(index));
    const least = this.test.config.leastSeconds;
    return unheard.length ? `Listen to ${listed(unheard)}${least ? ` for at least ${least} s` : ""}.` : "";
  }

  actionOf(key) {
    const index = this.labels.findIndex((label) => label.toLowerCase() === key);
    return index >= 0 ? () => this.hear(index) : this.transport.actionOf(key);
  }

  leave() {
    this.transport.pause(); // draws its play head for the last time
    this.listened.stop();
    this.note();
    this.engine.forget();
  }

  draw() {}
}

const numbers = (count) => Array.from({ length: count }, (_, index) => `${index + 1}`);

class TrainingScreen extends SoundScreen {
  constructor(test, page, order, record) {
    super(test, "training", page, order, record, numbers(order.length));
    const volume = this.$(".volume");
    volume.value = test.state.volume_db;
    const show = () => {
      this.engine.setGain(10 ** (volume.value / 20));
      this.$(".decibels").textContent = `${volume.value} dB`.replace("-", "−");
      volume.setAttribute("aria-valuetext", `${volume.value} dB`);
    };
    volume.addEventListener("input", () => {
      test.state.volume_db = Number(volume.value);
      show();
      test.save();
    });
    show();
  }
}

class RatingScreen extends SoundScreen {
  constructor(test, page, step, record) {
    record.values ??= step.starts.map((row) => [...row]);
    record.moved ??= step.starts.map((row) => row.map(() => false));
    super(test, "rating", page, step.order, record, numbers(step.order.length));
    const told = { heard: (index) => this.hear(index), changed: () => this.note() };
    this.axes = page.questions.map((question, number) =>
      new RatingAxis(question, record.values[number], record.moved[number], told));
    this.$(".questions").replaceChildren(...this.axes.map((axis) => axis.element));
    this.draw();
    this.choose(0);
  }

  choose(index) {
    super.choose(index);
    this.axes?.forEach((axis) => axis.choose(index));
  }

  /** A number on the keyboard puts a version on, and brings the focus to its handle on the axis where the focus is. */
  actionOf(key) {
    const index = this.labels.indexOf(key);
    if (index < 0) return super.actionOf(key);
    return () => {
      const focused = this.test.focused();
      const axis = this.axes.find((one) => one.element.contains(focused)) ?? this.axes[0];
      axis.focus(index);
      this.hear(index);
    };
  }

  missing() {
    const unmoved = this.axes.flatMap(({ question, moved }) => {
      const still = this.labels.filter((_, index) => !moved[index]);
      return still.length ? [`Move ${listed(still)} at “${question.words}”`] : [];
    });
    return [super.missing(), ...unmoved.map((words) => `${words}.`)].filter(Boolean).join(" ");
  }

  draw() {
    this.axes?.forEach((axis) => axis.layOut());
  }
}

class PairScreen extends SoundScreen {
  constructor(test, page, step, record) {
    super(test, "pair", page, step.order, record, ["A", "B"]);
    this.$(".words").textContent = page.questions[0].words;
    this.answers = [...test.$$(".screen .answer")];
    this.answers.at(-1).hidden = !page.noPreference;
    this.answers.forEach((button) => button.addEventListener("click", () => this.#answer(button.value)));
    this.#show();
  }

  #answer(answer) {
    this.record.answer = answer;
    this.#show();
    this.note();
  }

  #show() {
    for (const button of this.answers) button.setAttribute("aria-pressed", button.value === this.record.answer);
  }

  actionOf(key) {
    const button = this.answers.find((one) => !one.hidden && one.dataset.key === key);
    return button ? () => this.#answer(button.value) : super.actionOf(key);
  }

  missing() {
    return [super.missing(), this.record.answer ? "" : "Choose an answer."].filter(Boolean).join(" ");
  }
}
