// Moments in the visitor's zone and language; today's without the day.
const language = document.documentElement.lang;
const time = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const day = new Intl.DateTimeFormat(language, {
  month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23",
});

export function writeMoments(root) {
  const today = new Date().toDateString();
  for (const each of root.querySelectorAll("time[datetime]")) {
    const moment = new Date(each.dateTime);
    each.title = each.title || each.textContent;
    each.textContent = (moment.toDateString() === today ? time : day).format(moment);
  }
}
