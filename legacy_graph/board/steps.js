// The step: a slider over the steps that have results, with a button that plays them.

import { make } from "./tiles.js";

const PAUSE = 700; // milliseconds that each step is shown while playing

/** The slider. It calls choose(step), "" for the newest results, which returns a promise: the step is then shown. */
export class Steps {
  constructor(choose) {
    this.choose = choose;
    this.steps = [];
    this.slider = make("input", { type: "range", id: "step", min: 0, oninput: () => this.moved() });
    this.text = make("output", { id: "step-text", for: "step" });
    this.button = make("button", { type: "button", id: "play", onclick: () => (this.timer ? this.stop() : this.play()) });
    this.element = make("div", {}, make("label", { for: "step" }, "Step"),
      make("div", { class: "steps" }, this.button, this.slider, this.text));
    this.stop();
  }

  /** Show the steps, ascending, as [key, text], and the position of `key`. */
  show(steps, key) {
    this.steps = steps;
    const at = Math.max(0, steps.findIndex(([known]) => known === key));
    const text = steps[at]?.[1] ?? "none yet";
    Object.assign(this.slider, { max: Math.max(0, steps.length - 1), value: at, disabled: steps.length < 2 });
    this.slider.setAttribute("aria-valuetext", `step ${text}`);
    this.button.disabled = steps.length < 2;
    this.text.textContent = steps.length > 1 ? `${text} (${at + 1} of ${steps.length})` : text;
    if (steps.length < 2) this.stop();
  }

  get at() {
    return Number(this.slider.value);
  }

  moved() {
    this.stop();
    this.choose(this.steps[this.at][0]);
  }

  /** Show the steps one after the other, from the first one if the last one is shown, and end at the last one. */
  async play() {
    const turn = (this.timer = {});
    this.label("Pause", "❚❚");
    if (this.at === this.steps.length - 1) await this.choose(this.steps[0][0]);
    while (this.timer === turn) {
      await new Promise((done) => setTimeout(done, PAUSE));
      if (this.timer !== turn) return;
      const next = this.steps[this.at + 1];
      if (!next) return this.stop();
      await this.choose(next[0]);
    }
  }

  stop() {
    this.timer = null;
    this.label("Play the steps", "▶");
  }

  label(text, sign) {
    this.button.textContent = sign;
    this.button.title = text;
    this.button.setAttribute("aria-label", text);
  }
}
