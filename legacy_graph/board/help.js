// The help: a dialog over the page, in English and Chinese.

import { make } from "./tiles.js";

const LANGUAGES = { en: "English", zh: "中文" };

/** The button that opens the help. */
export function helpButton() {
  const text = make("div", { class: "help" });
  const show = async (language) => {
    const answer = await fetch(new URL(`help-${language}.html`, import.meta.url));
    text.replaceChildren(...new DOMParser().parseFromString(await answer.text(), "text/html").body.children);
    text.lang = language;
    for (const button of choices) button.setAttribute("aria-pressed", button.lang === language);
  };
  const choices = Object.entries(LANGUAGES).map(([lang, name]) =>
    make("button", { type: "button", lang, onclick: () => show(lang) }, name));
  const close = make("button", { type: "button", onclick: () => dialog.close() }, "Close");
  const dialog = make("dialog", { "aria-label": "How to read these pictures" }, make("div", { class: "row" }, ...choices, close), text);
  const open = () => {
    document.body.append(dialog);
    dialog.showModal();
    show(navigator.language.startsWith("zh") ? "zh" : "en");
  };
  return make("button", { type: "button", id: "help", onclick: open }, "Help · 帮助");
}
