/** A request's URL with repeated and trailing slashes of its path removed: some Azure clients send `//subscriptions/...`. */
export function requestUrl(request: Request): URL {
  const url = new URL(request.url);
  url.pathname = url.pathname.replace(/\/{2,}/g, "/").replace(/(?<=.)\/$/, "");
  return url;
}
