// Keeps a view true: counts at once, by server-sent events; the rest of it a little later, as the
// server writes it. Without this script the view is as true as when it was loaded.
import { writeMoments } from "./moments.js";

const live = document.getElementById("live");
const lost = document.getElementById("connection");
const OUTCOMES = ["succeeded", "failed", "expired", "cancelled"];
const WIDE = 1000;
const numbers = new Intl.NumberFormat("en-US");
const LATEST = 30_000; // milliseconds: the fleet and what is late change without an event, too
let isStale = false;
let renewed = Date.now();

function listen() {
  const events = new EventSource(live.dataset.events);
  events.addEventListener("campaign", (event) => {
    isStale = true;
    show(JSON.parse(event.data));
  });
  events.onopen = () => (lost.hidden = true);
  events.onerror = () => {
    lost.hidden = false;
    // A browser gives up after an answer that is no stream, as where the index is away.
    if (events.readyState === EventSource.CLOSED) {
      isStale = true; // the session may be over: asking for the view tells
      setTimeout(listen, 5000);
    }
  };
}

function show(campaign) {
  const name = CSS.escape(campaign.campaign_id);
  const root = live.querySelector(`[data-campaign="${name}"]`) ?? live;
  if (root === live && !document.getElementById("account")) return; // a new one of the night
  const ended = OUTCOMES.reduce((sum, outcome) => sum + campaign[outcome], 0);
  const whole = Math.max(campaign.accepted ?? 0, ended, 1);
  const counts = {
    ...campaign,
    waiting: Math.max(0, (campaign.accepted ?? 0) - ended),
    delivered: campaign.succeeded,
    fed: Math.max(campaign.fed, ended),
    staged: campaign.accepted,
  };
  for (const each of root.querySelectorAll("[data-count]"))
    each.textContent = numbers.format(counts[each.dataset.count]);
  for (const each of root.querySelectorAll("[data-way]"))
    each.setAttribute("width", Math.round((WIDE * Math.min(counts[each.dataset.way], whole)) / whole));
  showParts(root, campaign, whole);
  const actions = document.querySelector(".actions");
  if (actions) actions.dataset.state = campaign.state === "paused" ? "paused" : "running";
}

function showParts(root, campaign, whole) {
  let before = 0;
  for (const each of root.querySelectorAll("[data-part]")) {
    const count = campaign[each.dataset.part];
    const x = Math.round((WIDE * before) / whole);
    before += count;
    const width = count ? Math.max(Math.round((WIDE * before) / whole) - x, 4) : 0;
    each.setAttribute("x", Math.min(x, WIDE - width));
    each.setAttribute("width", width);
  }
}

async function renew() {
  const isDue = isStale || Date.now() - renewed >= LATEST;
  if (!isDue || document.hidden || isInUse()) return;
  [isStale, renewed] = [false, Date.now()];
  try {
    const answer = await fetch(live.dataset.live);
    if (answer.redirected) location.reload(); // the session is over
    else if (answer.ok) take(await answer.text());
    else isStale = true;
  } catch {
    isStale = true; // the gateway is away: the stream says so
  }
}

/** Ask again when the server says: the more there are who look, the later. */
function again() {
  const seconds = Number(live.querySelector("[data-every]").dataset.every);
  // A little apart, so that a thousand viewers do not ask in the same second.
  const milliseconds = 1000 * seconds * (0.9 + 0.2 * Math.random());
  setTimeout(() => renew().finally(again), milliseconds);
}

/** Somebody hears a result, reads a receipt or stands on a link: what they have stays. */
function isInUse() {
  const players = [...live.querySelectorAll("audio")];
  const stays = live.querySelector("details[open]") || live.contains(document.activeElement);
  return stays || players.some((audio) => !audio.paused && !audio.ended);
}

function take(html) {
  const fresh = new DOMParser().parseFromString(html, "text/html").body;
  live.replaceChildren(...fresh.childNodes);
  writeMoments(live);
  live.dispatchEvent(new Event("renewed"));
}

writeMoments(document);
listen();
again();
