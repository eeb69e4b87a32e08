// A listening test: welcome, training, the screens in an order of their own for each participant, results to hand in.

const { Widget, Transport, makeEngine, Memory, Listened, shuffled, showResults } = PARTS;

// include listening-plan.js

// include listening-axis.js

// include listening-screens.js

class ListeningTest extends Widget {
  constructor(host, look) {
    super(host, look);
    this.audio = [...host.querySelectorAll("audio")];
    this.memory = new Memory(`listening:${this.config.test}`);
    this.state = this.memory.read() ?? this.#newState();
    this.listenToKeys((key) => this.screen?.actionOf?.(key));
    if (this.state.participant) {
      this.plan = planOf(this.config.pages, this.seed());
      this.state.reloads += 1;
      this.say("You are back where you left off.");
    }
    this.#show();
    window.addEventListener("pagehide", () => this.screen?.note?.());
    this.begin();
  }

  static planOf(pages, seed) {
    return planOf(pages, seed);
  }

  #newState() {
    return {
      participant: null, place: "welcome", records: {}, volume_db: 0, reloads: 0, started: null, finished: null, comment: "",
    };
  }

  /** The words that the participant's order follows from. */
  seed() {
    return `${this.config.test}:${this.state.participant.id}`;
  }

  save() {
    this.memory.write(this.state);
  }

  fill(template) {
    this.$(".screen").replaceChildren(this.$(`template.${template}`).content.cloneNode(true));
  }

  focused() {
    return this.host.shadowRoot.activeElement;
  }

  draw() {
    this.screen?.draw?.();
  }

  // ---- from screen to screen: place is "welcome", "training", the number of a screen, or "end" ----

  goOn() {
    const missing = this.screen?.missing?.();
    if (missing) return this.say(missing);
    this.screen?.leave?.();
    const { place } = this.state;
    if (place === "welcome") this.state.place = this.config.training ? "training" : 0;
    else if (place === "training") this.state.place = 0;
    else this.state.place = place + 1 < this.plan.length ? place + 1 : "end";
    if (this.state.place === "end") this.state.finished ??= new Date().toISOString();
    this.save();
    this.say("");
    this.#show();
    this.$(".heading").focus({ preventScroll: true });
    this.panel.scrollIntoView({ block: "nearest" });
  }

  #show() {
    const { place } = this.state;
    this.screen = null;
    if (place === "welcome") this.#welcome();
    else if (place === "training") this.#train();
    else if (place === "end") this.#end();
    else this.#ask(place);
    const done = { welcome: 0, training: 0, end: this.plan?.length }[place] ?? place;
    const bar = this.$(".progress");
    bar.hidden = place === "welcome";
    bar.max = this.plan?.length ?? 1;
    bar.value = done;
  }

  #welcome() {
    this.fill("welcome");
    const words = this.config.introduction.split(/\n\s*\n/).filter((text) => text.trim());
    this.$(".introduction").replaceChildren(...words.map((textContent) =>
      Object.assign(document.createElement("p"), { textContent })));
    const code = crypto.getRandomValues(new Uint32Array(1))[0].toString(36).padStart(7, "0");
    this.$("[name=id]").value = `p-${code}`;
    this.$(".next").addEventListener("click", () => this.#start());
  }

  #start() {
    const value = (name) => this.$(`[name=${name}]`).value.trim();
    const fields = ["id", "experience", "playback", "age_group"];
    const participant = Object.fromEntries(fields.map((name) => [name, value(name)]));
    const needed = { id: "Give a code.", experience: "Say how much you have mixed.", playback: "Say what you listen with." };
    for (const [name, words] of Object.entries(needed)) {
      const field = this.$(`[name=${name}]`);
      field.setAttribute("aria-invalid", !participant[name]);
      if (participant[name]) continue;
      this.say(words);
      field.focus();
      return;
    }
    this.state.participant = participant;
    this.state.started = new Date().toISOString();
    this.plan = planOf(this.config.pages, this.seed());
    this.goOn();
  }

  #record(place, count) {
    return (this.state.records[place] ??= emptyRecord(count));
  }

  #train() {
    const page = this.config.pages[0];
    const order = shuffled(page.sounds.length, seededRandom(`${this.seed()}:training`)).map((version) => ({ version }));
    this.screen = new TrainingScreen(this, page, order, this.#record("training", order.length));
  }

  #ask(place) {
    const step = this.plan[place];
    const page = this.config.pages[step.page];
    const record = this.#record(place, step.order.length);
    const Screen = step.kind === "rating" ? RatingScreen : PairScreen;
    this.screen = new Screen(this, page, step, record);
    this.$(".song").textContent = page.song;
    this.$(".count").textContent = `${place + 1} of ${this.plan.length}`;
    this.$(".next").textContent = place + 1 < this.plan.length ? "Next" : "Finish";
  }

  #end() {
    this.fill("end");
    const request = this.config.returnTo || "Save the results, and send the file to whoever gave you this test.";
    this.$(".return-to").textContent = request;
    const comment = this.$(".comment");
    comment.value = this.state.comment;
    const { id } = this.state.participant;
    const safe = id.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-+|-+$/g, "") || "participant";
    const show = () => showResults(this, `listening-${this.config.test}-${safe}.json`, this.results());
    comment.addEventListener("input", () => {
      this.state.comment = comment.value;
      this.save();
      show();
    });
    show();
    const restart = this.$(".restart");
    restart.addEventListener("click", () => {
      if (!restart.dataset.asked) {
        restart.dataset.asked = "yes";
        restart.textContent = "Really? The answers are forgotten then";
        return;
      }
      this.memory.clear();
      this.state = this.#newState();
      this.plan = null;
      this.#show();
      this.$(".heading").focus();
    });
  }

  // ---- what is handed in ----

  results() {
    const { participant, records, started, finished, reloads, volume_db, comment } = this.state;
    const screens = this.plan.map((step, place) => this.#answered(step, records[place]));
    return {
      format: "megami-listening-test", version: 1, complete: Boolean(finished),
      test: {
        id: this.config.test, title: this.config.name, pages: this.config.pages.length, screens: this.plan.length,
      },
      participant: { ...participant, seed: this.seed() },
      started, finished, reloads, volume_db, comment,
      ...(this.config.userAgent ? { user_agent: navigator.userAgent } : {}),
      seconds: tenth(Object.values(records).reduce((sum, record) => sum + record.elapsed, 0)),
      screens,
    };
  }

  #answered({ kind, page: number, order, starts }, record) {
    const page = this.config.pages[number];
    const systems = JSON.parse(atob(this.config.key))[number];
    const names = page.questions.map((question) => question.name);
    const byName = (rows, index) => Object.fromEntries(names.map((name, row) => [name, rows[row][index]]));
    const stimuli = order.map(({ version, repeat }, index) => ({
      label: kind === "rating" ? `${index + 1}` : "AB"[index], system: systems[version], repeat,
      sha256: this.config.hashes[page.sounds[version]], plays: record.plays[index],
      seconds_listened: tenth(record.seconds[index]),
      ...(kind === "rating" ? { ratings: byName(record.values, index), first_places: byName(starts, index) } : {}),
    }));
    const answer = kind === "pair" ? { question: names[0], answer: record.answer } : {};
    return { kind, page: page.song, seconds: tenth(record.elapsed), ...answer, stimuli };
  }
}

const tenth = (value) => Math.round(10 * value) / 10;
