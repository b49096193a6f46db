// A list on its way is looked at again until it has ended.
const PAUSE = 1000; // milliseconds
const LONGER = 5000; // after the gateway did not answer

async function look() {
  let pause = PAUSE;
  try {
    const answer = await fetch(location.href);
    if (answer.redirected) return location.reload(); // the session is over
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const found = page.getElementById("staged");
    if (!found) throw new Error();
    const shown = document.getElementById("staged");
    shown.replaceWith(document.adoptNode(found));
    if (!found.hasAttribute("data-open")) return;
  } catch {
    pause = LONGER;
  }
  setTimeout(look, pause);
}

setTimeout(look, PAUSE);
