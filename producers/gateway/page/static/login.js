// A link of `seedcast open` has its secret in the fragment, which is never sent by itself.
function signIn() {
  const secret = location.hash.slice(1);
  if (!secret.startsWith("once-")) return;
  history.replaceState(null, "", location.pathname + location.search);
  const form = document.getElementById("login");
  form.elements.secret.value = secret;
  form.requestSubmit();
}

addEventListener("hashchange", signIn); // this page was open already
signIn();
