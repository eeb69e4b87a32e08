// Questions with answers to choose, to type or to put in order. What a reader answered is kept in the page.

const { Widget, Memory, shuffled } = PARTS;

/** One question on the page; subclasses build the answers. `state` is what is kept of it. */
class Question {
  constructor(quiz, question, number, state) {
    Object.assign(this, { quiz, question, number, state });
    this.element = document.createElement("li");
    this.element.className = "question";
    this.element.innerHTML = `
      <fieldset><legend></legend><div class="answers"></div></fieldset>
      <div class="actions"><button class="check" type="button">Check</button>
      <button class="reveal" type="button" hidden>Show the answer</button></div>
      <div class="feedback" role="status" aria-live="polite"></div>`;
    this.part = (selector) => this.element.querySelector(selector);
    this.part("legend").innerHTML = question.text;
    this.build(this.part(".answers"));
    // Not a <form>: sandboxed frames forbid sending one.
    this.part(".check").addEventListener("click", () => this.check());
    this.part("fieldset").addEventListener("keydown", (event) => {
      if (event.key === "Enter" && event.target.matches("input")) this.check();
    });
    this.part(".reveal").addEventListener("click", () => this.reveal());
    this.restore();
  }

  check() {
    const { right, told } = this.judge();
    if (right === null) return this.show("open", told); // nothing to judge yet
    this.state.tries += 1;
    this.state.solved ||= right;
    this.state.firstTime ??= right;
    this.show(right ? "right" : "wrong", right ? `${told} ${this.question.explanation}` : told);
    this.quiz.changed();
  }

  reveal() {
    this.state.shown = true;
    this.state.firstTime ??= false;
    this.setRight();
    this.show("shown", this.question.explanation);
    this.quiz.changed();
  }

  show(verdict, told) {
    Object.assign(this.state, { verdict, told });
    const words = { right: "Right.", wrong: "Not yet.", shown: "The answer.", open: "" };
    this.part(".feedback").className = `feedback ${verdict}`;
    this.part(".feedback").innerHTML = `<strong>${words[verdict]}</strong> ${told}`;
    this.part(".reveal").hidden = verdict !== "wrong";
  }

  restore() {
    if (this.state.verdict) this.show(this.state.verdict, this.state.told);
  }
}

class ChoiceQuestion extends Question {
  build(place) {
    this.several = this.question.options.filter((option) => option.right).length > 1;
    const type = this.several ? "checkbox" : "radio";
    this.inputs = this.question.options.map((option, index) => {
      const label = document.createElement("label");
      label.className = "option";
      label.innerHTML = `<input type="${type}" name="question-${this.number}"><span>${option.text}</span>`;
      place.append(label);
      const input = label.querySelector("input");
      input.checked = this.state.chosen?.includes(index) ?? false;
      input.addEventListener("change", () => this.quiz.changed((this.state.chosen = this.chosen())));
      return input;
    });
    if (this.several) place.insertAdjacentHTML("afterbegin", `<p class="hint">Choose all that are right.</p>`);
  }

  chosen() {
    return this.inputs.flatMap((input, index) => (input.checked ? [index] : []));
  }

  judge() {
    const chosen = this.chosen();
    if (!chosen.length) return { right: null, told: "Choose an answer first." };
    const { options } = this.question;
    const wrong = chosen.filter((index) => !options[index].right);
    const missing = options.filter((option, index) => option.right && !chosen.includes(index)).length;
    const told = (wrong.length ? wrong : chosen).map((index) => options[index].feedback).join(" ");
    const lacking = !wrong.length && missing ? ` ${missing} more ${missing === 1 ? "answer is" : "answers are"} right.` : "";
    return { right: !wrong.length && !missing, told: told + lacking };
  }

  setRight() {
    this.inputs.forEach((input, index) => (input.checked = this.question.options[index].right));
    this.state.chosen = this.chosen();
  }
}

class NumericQuestion extends Question {
  build(place) {
    place.innerHTML = `<label class="number"><span class="for-readers">Your answer</span>
      <input type="text" inputmode="decimal" autocomplete="off" size="10"><span class="unit"></span></label>`;
    this.input = place.querySelector("input");
    place.querySelector(".unit").textContent = this.question.unit;
    this.input.value = this.state.typed ?? "";
    this.input.addEventListener("input", () => this.quiz.changed((this.state.typed = this.input.value)));
  }

  judge() {
    const text = this.input.value.trim().replace(/[−–]/g, "-").replace(",", ".");
    const value = Number(text);
    if (!text || !Number.isFinite(value)) return { right: null, told: "Type a number first." };
    const { answer, tolerance } = this.question;
    if (Math.abs(value - answer) <= tolerance * (1 + 1e-9)) return { right: true, told: "" };
    const sign = answer !== 0 && Math.abs(value + answer) <= tolerance ? " Look at the sign." : "";
    return { right: false, told: `The answer is ${value < answer ? "larger" : "smaller"}.${sign}` };
  }

  setRight() {
    this.input.value = this.state.typed = String(this.question.answer);
  }
}

class OrderingQuestion extends Question {
  build(place) {
    const { items } = this.question;
    this.order = this.state.order ?? differentOrder(items.length);
    this.list = document.createElement("ol");
    this.list.className = "order";
    place.append(this.list);
    this.rows = items.map((text, item) => this.makeRow(text, item));
    this.showOrder();
  }

  makeRow(text, item) {
    const row = document.createElement("li");
    const plain = Object.assign(document.createElement("span"), { innerHTML: text }).textContent;
    row.innerHTML = `<span class="grip" aria-hidden="true">⠿</span><span class="words">${text}</span>
      <button type="button" class="move up">↑</button><button type="button" class="move down">↓</button>`;
    row.querySelector(".up").setAttribute("aria-label", `Move up: ${plain}`);
    row.querySelector(".down").setAttribute("aria-label", `Move down: ${plain}`);
    for (const [name, step] of [[".up", -1], [".down", 1]]) {
      row.querySelector(name).addEventListener("click", (event) => {
        this.move(item, this.order.indexOf(item) + step);
        const other = row.querySelector(step < 0 ? ".down" : ".up");
        (event.currentTarget.disabled ? other : event.currentTarget).focus();
      });
    }
    this.listenToDrag(row, item);
    return row;
  }

  /** Dragging a row by its grip: the row follows to the place under the finger. */
  listenToDrag(row, item) {
    const grip = row.querySelector(".grip");
    grip.addEventListener("pointerdown", (event) => {
      grip.setPointerCapture(event.pointerId);
      row.classList.add("dragged");
    });
    grip.addEventListener("pointermove", (event) => {
      if (!grip.hasPointerCapture(event.pointerId)) return;
      const boxes = this.order.map((other) => this.rows[other].getBoundingClientRect());
      const place = boxes.filter((box) => box.top + box.height / 2 < event.clientY).length;
      const from = this.order.indexOf(item);
      const to = Math.min(place > from ? place - 1 : place, this.order.length - 1);
      if (to !== from) this.move(item, to, grip, event.pointerId);
    });
    for (const end of ["pointerup", "pointercancel"]) grip.addEventListener(end, () => row.classList.remove("dragged"));
  }

  move(item, to, grip = null, pointer = null) {
    if (to < 0 || to >= this.order.length) return;
    this.order.splice(this.order.indexOf(item), 1);
    this.order.splice(to, 0, item);
    this.showOrder();
    if (grip) grip.setPointerCapture(pointer); // lost when the row was put elsewhere
    this.quiz.say(`Place ${to + 1} of ${this.order.length}.`);
    this.quiz.changed((this.state.order = this.order));
  }

  showOrder() {
    this.list.replaceChildren(...this.order.map((item) => this.rows[item]));
    this.order.forEach((item, place) => {
      this.rows[item].querySelector(".up").disabled = place === 0;
      this.rows[item].querySelector(".down").disabled = place === this.order.length - 1;
    });
  }

  judge() {
    const placed = this.order.filter((item, place) => item === place).length;
    const right = placed === this.order.length;
    return { right, told: right ? "" : `${placed} of ${this.order.length} stand in their places.` };
  }

  setRight() {
    this.state.order = this.order = this.order.map((_, place) => place);
    this.showOrder();
  }
}

/** A random order that is not the right one. */
function differentOrder(count) {
  for (;;) {
    const order = shuffled(count);
    if (order.some((item, place) => item !== place)) return order;
  }
}

const QUESTIONS = { choice: ChoiceQuestion, numeric: NumericQuestion, ordering: OrderingQuestion };

class Quiz extends Widget {
  constructor(host, look) {
    super(host, look);
    this.memory = new Memory(`quiz:${this.config.identity}`);
    this.$(".again").addEventListener("click", () => {
      this.memory.clear();
      this.fill();
      this.panel.focus();
    });
    this.panel.classList.toggle("single", this.config.questions.length === 1);
    this.fill();
    this.begin();
  }

  fill() {
    const fresh = () => ({ tries: 0, solved: false, shown: false, firstTime: null });
    this.states = this.memory.read() ?? this.config.questions.map(fresh);
    this.questions = this.config.questions.map(
      (question, number) => new QUESTIONS[question.kind](this, question, number, this.states[number]),
    );
    this.$(".questions").replaceChildren(...this.questions.map((question) => question.element));
    this.showScore();
  }

  /** A reader did something: it is kept, and the score follows. */
  changed() {
    this.memory.write(this.states);
    this.showScore();
  }

  showScore() {
    const done = this.states.filter((state) => state.solved || state.shown).length;
    const first = this.states.filter((state) => state.firstTime).length;
    this.$(".again").hidden = !this.states.some((state) => state.tries || state.shown);
    if (done < this.states.length || this.states.length < 2) return this.say("");
    this.say(`All done: ${first} of ${this.states.length} right at the first try.`);
  }
}
