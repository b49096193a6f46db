// A form that asks for audio plays it where it stands, instead of in another tab.
document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.matches("[data-hear]")) return;
  event.preventDefault();
  const button = form.querySelector("button");
  const status = form.querySelector("[role=status]");
  button.disabled = true;
  status.textContent = "";
  try {
    const body = new URLSearchParams(new FormData(form));
    const answer = await fetch(form.action, { method: "POST", body });
    if (!answer.ok) throw new Error(await sentence(answer));
    play(form, await answer.blob());
  } catch (error) {
    status.textContent = error.message;
  } finally {
    button.disabled = false;
    button.focus();
  }
});

async function sentence(answer) {
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  return page.querySelector("[role=alert]")?.textContent.trim() ?? answer.statusText;
}

function play(form, blob) {
  let audio = form.querySelector("audio");
  if (audio) URL.revokeObjectURL(audio.src);
  else {
    audio = document.createElement("audio");
    audio.controls = true;
    audio.setAttribute("aria-label", form.querySelector("button").getAttribute("aria-label") ?? "");
    form.append(audio);
  }
  audio.src = URL.createObjectURL(blob);
  audio.play().catch(() => {}); // a browser that wants another click has the controls
}
