// A link of `seedcast open` has its secret in the fragment, which is never sent by itself.
const secret = location.hash.slice(1);
if (secret.startsWith("once-")) {
  history.replaceState(null, "", location.pathname + location.search);
  const form = document.getElementById("login");
  form.elements.secret.value = secret;
  form.requestSubmit();
}
