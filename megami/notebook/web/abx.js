// A/B/X: X is A or B, drawn in each trial; can a listener tell which? What X is stays inside this script: no element,
// label, picture or address tells it before all trials are answered.

const {
  Widget, Transport, makeEngine, listenToLane, drawOverview, brightnessRamp, overviewOf, Memory, Listened, showResults,
} = PARTS;
const LETTERS = ["A", "B", "X"];
const X = 2; // the engine's number for X, which plays what A or B plays
const USUAL_BOUND = 0.05;

/** The chance that guessing gets at least `right` of `trials` right: a one-sided binomial test, in whole numbers. */
function chanceByGuessing(right, trials) {
  let ways = 0n; // of all 2^trials rows of answers, those with at least `right` right
  let choose = 1n; // trials over k
  for (let k = 0; k <= trials; k += 1) {
    if (k >= right) ways += choose;
    choose = (choose * BigInt(trials - k)) / BigInt(k + 1);
  }
  return Number(ways) / Number(2n ** BigInt(trials));
}

class Abx extends Widget {
  #secret; // 0: X is A, 1: X is B

  constructor(host, look) {
    super(host, look);
    this.memory = new Memory(`abx:${this.config.test}`);
    this.engine = makeEngine(host, this.config);
    Object.assign(this.engine, { apart: true, wholeFirst: true });
    this.#fill();
    this.transport = new Transport(this, this.engine, { onregion: (region) => this.#showRegion(region) });
    this.transport.toggleLoop(); // a listener goes on listening until the answer is found
    this.listened = new Listened(this.host, this.engine, LETTERS.length);
    this.run = this.memory.read() ?? this.#newRun(1);
    this.#listen();
    if (this.run.finished) this.#showOutcome();
    else this.#nextTrial();
    this.begin();
  }

  static chanceByGuessing(right, trials) {
    return chanceByGuessing(right, trials);
  }

  // ---- building ----

  #fill() {
    this.$(".focus-note").hidden = this.config.keys === "page";
    this.choices = LETTERS.map((letter, index) => {
      const button = document.createElement("button");
      Object.assign(button, { type: "button", className: "choose" });
      button.setAttribute("aria-keyshortcuts", letter);
      button.innerHTML = `<span class="letter">${letter}</span> <span class="name"></span>`;
      button.querySelector(".name").textContent = this.config.names[index] ?? "A or B?";
      button.addEventListener("click", () => this.#select(index));
      return button;
    });
    this.$(".choices").replaceChildren(...this.choices);
  }

  #listen() {
    this.$$(".answer").forEach((button, answer) => button.addEventListener("click", () => this.#answer(answer)));
    this.$(".restart").addEventListener("click", () => this.#restart());
    listenToLane(this.$(".lane"), this.config.seconds, {
      marking: (region) => this.#showRegion(region),
      cancelled: () => this.#showRegion(this.transport.region),
      pressed: (seconds) => this.transport.seek(seconds),
      marked: (region) => this.transport.markRegion(region),
    });
    this.listenToKeys((key) => {
      const actions = { "?": () => this.toggleHelp() };
      if (!this.run.finished) {
        LETTERS.forEach((letter, index) => (actions[letter.toLowerCase()] = () => this.#select(index)));
        [0, 1].forEach((answer) => (actions[answer + 1] = () => this.#answer(answer)));
      }
      return Object.hasOwn(actions, key) ? actions[key] : this.transport.actionOf(key);
    });
  }

  // ---- what the reader does ----

  #newRun(attempt) {
    return { attempt, started: new Date().toISOString(), finished: null, trials: [] };
  }

  #select(index) {
    this.transport.select(index);
    this.listened.look();
    this.choices.forEach((button, number) => button.setAttribute("aria-pressed", number === index));
  }

  #nextTrial() {
    this.#select(0); // before X is drawn anew: what sounds is never changed under a listener
    this.#secret = Math.random() < 0.5 ? 0 : 1;
    this.engine.copy(this.#secret, X);
    this.listened.stop();
    this.listened = new Listened(this.host, this.engine, LETTERS.length);
    this.trialStarted = performance.now();
    this.$(".progress").textContent = `Trial ${this.run.trials.length + 1} of ${this.config.trials}`;
    this.$(".trial").hidden = false;
    this.$(".outcome").hidden = true;
  }

  #answer(answer) {
    if (this.run.finished) return;
    this.listened.look();
    const { plays, seconds } = this.listened.counts();
    if (!plays[X]) return this.say("Listen to X first.");
    const named = (values) => Object.fromEntries(LETTERS.map((letter, index) => [letter, values[index]]));
    this.run.trials.push({
      x: LETTERS[this.#secret], answer: LETTERS[answer], right: answer === this.#secret, plays: named(plays),
      seconds_listened: named(seconds), seconds: Math.round((performance.now() - this.trialStarted) / 100) / 10,
    });
    const count = this.run.trials.length;
    if (count < this.config.trials) {
      this.#nextTrial();
      this.say(`Answer ${count} of ${this.config.trials} is noted. Now trial ${count + 1}, with a new X.`);
    } else {
      this.transport.pause();
      this.#select(0);
      this.run.finished = new Date().toISOString();
      this.#showOutcome();
      this.say("");
      this.$(".score").focus({ preventScroll: true });
    }
    this.memory.write(this.run);
  }

  #restart() {
    this.run = this.#newRun(this.run.attempt + 1);
    this.memory.write(this.run);
    this.#nextTrial();
    this.$(".progress").focus({ preventScroll: true });
  }

  // ---- what is shown ----

  #showOutcome() {
    const { trials, attempt } = this.run;
    const right = trials.filter((trial) => trial.right).length;
    const chance = chanceByGuessing(right, trials.length);
    this.$(".trial").hidden = true;
    this.$(".outcome").hidden = false;
    this.$(".score").textContent = `${right} of ${trials.length} right (p = ${shortly(chance)})`;
    this.$(".meaning").textContent = meaning(right, trials.length, chance);
    this.$(".again").textContent = attempt > 1
      ? `This was attempt ${attempt}. Whoever tries often enough succeeds once by luck: the p-value holds for one attempt `
        + "that was decided on beforehand."
      : "";
    this.$("tbody").replaceChildren(...trials.map(({ x, answer, right: isRight }, index) => {
      const row = document.createElement("tr");
      row.replaceChildren(...[index + 1, x, answer, isRight ? "yes" : "no"].map((text) =>
        Object.assign(document.createElement("td"), { textContent: text })));
      return row;
    }));
    const [a, b] = this.config.names;
    showResults(this, `abx-${this.config.test}.json`, {
      format: "megami-abx", version: 1, test: this.config.test, title: this.config.title, a, b,
      stimuli_sha256: this.config.hashes, right, p_value: chance, ...this.run,
    });
  }

  #showRegion(region) {
    const mark = this.$(".region");
    mark.hidden = !region;
    if (!region) return;
    mark.style.left = `${(100 * region.start) / this.config.seconds}%`;
    mark.style.width = `${(100 * (region.end - region.start)) / this.config.seconds}%`;
  }

  draw() {
    const line = getComputedStyle(this.panel).getPropertyValue("--line");
    drawOverview(this.$(".lane canvas"), overviewOf(this.config), brightnessRamp(this.panel), line);
  }
}

/** A chance in few digits. */
function shortly(chance) {
  return chance < 0.0001 ? "less than 0.0001" : chance.toFixed(chance < 0.01 ? 4 : 3);
}

/** What the p-value says, and what it does not say. */
function meaning(right, trials, chance) {
  const percent = chance < 0.0001 ? "less than 0.01" : (100 * chance).toFixed(chance < 0.01 ? 2 : 1);
  const guessing = `Someone who hears no difference and only guesses gets ${right} or more of ${trials} right with a `
    + `probability of ${percent} %. `;
  if (chanceByGuessing(trials, trials) > USUAL_BOUND) {
    return `${guessing}With so few trials even a perfect score could be luck: this run cannot show that you hear a `
      + "difference.";
  }
  if (chance <= USUAL_BOUND) {
    return `${guessing}That is rare (at most 5 %, the usual bound), which speaks for a difference that you heard. It does `
      + "not say how large the difference is, or which of the two is better.";
  }
  return `${guessing}That is not rare (more than 5 %, the usual bound), so this run does not show that you heard a `
    + "difference. Nor does it show that there is none: more trials or a better chosen phrase might tell.";
}
