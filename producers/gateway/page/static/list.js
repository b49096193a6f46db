// The preview follows the form: what the button "Preview" would show, without leaving the page.
const form = document.getElementById("list");
const status = form.querySelector("[data-busy]");
const template = document.getElementById("template");
const PAUSE = 500; // milliseconds without a change
let timer, asked;

for (const each of document.querySelectorAll("[data-scripted]")) each.classList.remove("hidden");

async function look() {
  asked?.abort();
  const mine = (asked = new AbortController());
  status.textContent = status.dataset.busy;
  try {
    const body = new URLSearchParams(new FormData(form));
    const answer = await fetch(form.getAttribute("action"), { method: "POST", body, signal: mine.signal });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const wrong = page.querySelector("[role=alert]");
    if (!page.getElementById("preview") && !wrong) throw new Error();
    for (const id of ["refusals", "preview"]) {
      const found = page.getElementById(id);
      if (found) document.getElementById(id).replaceWith(document.adoptNode(found));
    }
    for (const each of form.querySelectorAll("[aria-invalid]")) each.removeAttribute("aria-invalid");
    for (const each of page.querySelectorAll("#list [aria-invalid]"))
      document.getElementById(each.id).setAttribute("aria-invalid", "true");
    status.textContent = wrong ? wrong.textContent.trim() : "";
  } catch (error) {
    if (error.name !== "AbortError") status.textContent = status.dataset.failed;
  }
}

function later() {
  clearTimeout(timer);
  timer = setTimeout(look, PAUSE);
}

function follow() {
  template.classList.toggle("hidden", form.elements.text.value !== "template");
}

form.addEventListener("input", (event) => {
  follow();
  if (event.target.name !== "campaign") later();
});
form.addEventListener("submit", (event) => {
  if (event.submitter?.hasAttribute("formaction")) return;
  event.preventDefault();
  clearTimeout(timer);
  look();
});
form.addEventListener("click", (event) => {
  const text = event.target.dataset?.insert;
  if (!text) return;
  const area = form.elements.template;
  area.setRangeText(text, area.selectionStart, area.selectionEnd, "end");
  area.focus();
  later();
});
follow();
