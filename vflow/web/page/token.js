/** The server's token: it comes in the fragment of the address, which no browser sends to a server. */
const KEY = "vflow token";

/** Return the token, "" if there is none, and remove it from the address bar, where others could read it. */
export function token() {
  const given = new URLSearchParams(location.hash.slice(1)).get("token");
  if (given !== null) {
    sessionStorage.setItem(KEY, given);
    history.replaceState(null, "", location.pathname + location.search);
  }
  return sessionStorage.getItem(KEY) ?? "";
}
