/** The token of this server: it comes in the address's fragment, which no browser sends to a server. */
const KEY = "vflow token";

/** Return the token, and take it out of the address bar, where others could read it. "" where there is none. */
export function token() {
  const given = new URLSearchParams(location.hash.slice(1)).get("token");
  if (given !== null) {
    sessionStorage.setItem(KEY, given);
    history.replaceState(null, "", location.pathname + location.search);
  }
  return sessionStorage.getItem(KEY) ?? "";
}
