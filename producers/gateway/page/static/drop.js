// A file may be dropped anywhere on the view; the form sends it as it would without a script.
const form = document.getElementById("upload");
const area = form.querySelector(".drop");
const status = form.querySelector("[data-busy]");
for (const each of document.querySelectorAll("[data-scripted]")) each.classList.remove("hidden");

document.addEventListener("dragover", (event) => {
  event.preventDefault();
  area.classList.add("over");
});
document.addEventListener("dragleave", () => area.classList.remove("over"));
document.addEventListener("drop", (event) => {
  event.preventDefault();
  area.classList.remove("over");
  if (!event.dataTransfer.files.length) return;
  form.elements.file.files = event.dataTransfer.files;
  form.requestSubmit();
});
form.addEventListener("submit", () => {
  status.textContent = status.dataset.busy;
});
