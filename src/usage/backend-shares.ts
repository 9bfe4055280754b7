import { isObject, type ListedDocument } from "../gateway/documents.ts";
import { groupsBy } from "./groups.ts";
import type { backendShareQuery } from "./queries/backends.ts";
import type { LogsRow } from "./queries/query.ts";
import type { BackendShares } from "./totals.ts";

type ShareRow = LogsRow<ReturnType<typeof backendShareQuery>["measures"]>;

/** Who has answered, over the window and from point to point. */
export function backendShares(rows: readonly ShareRow[], nameOf: (place: string) => string, limit: number): BackendShares {
  const named = rows.map(({ keys: { time = "", backend = "" }, values }) => ({
    time,
    backend: nameOf(backend),
    requests: values.Requests ?? 0,
    failed: values.Failed ?? 0,
  }));
  const all = sum(named, "requests");
  const of_window = [...groupsBy(named, ({ backend }) => backend)]
    .map(([backend, group]) => {
      const requests = sum(group, "requests");
      return [backend, { requests, failed: sum(group, "failed"), percent: percentOf(requests, all) }] as const;
    })
    .sort(([a, left], [b, right]) => right.requests - left.requests || a.localeCompare(b));
  const points = [...groupsBy(named, ({ time }) => time)]
    .map(([time, group]) => {
      const total = sum(group, "requests");
      const shares = [...groupsBy(group, ({ backend }) => backend)].map(
        ([backend, some]) => [backend, percentOf(sum(some, "requests"), total)] as const,
      );
      return { time, percent: Object.fromEntries(shares.sort(([a], [b]) => a.localeCompare(b))) };
    })
    .sort((a, b) => a.time.localeCompare(b.time));
  const changes = points.filter((point, index) => JSON.stringify(point.percent) !== JSON.stringify(points[index - 1]?.percent));
  return { of_window: Object.fromEntries(of_window), by_time: changes.slice(-limit), left_out: Math.max(0, changes.length - limit) };
}

const sum = (rows: readonly { readonly requests: number; readonly failed: number }[], name: "requests" | "failed"): number =>
  rows.reduce((total, row) => total + row[name], 0);

const percentOf = (part: number, whole: number): number => (whole === 0 ? 0 : Math.round((100 * part) / whole));

/**
 * Names a backend of the logs, `host` or `host/deployment`, by the one backend document whose URL has that host, and that deployment where several
 * have the host; as it is where none or several fit. Assumed: of a pool the logs have the URL of the member, as Microsoft's own queries take it.
 */
export function backendNames(backends: readonly ListedDocument[]): (place: string) => string {
  const known = backends.flatMap(({ id, properties }) => {
    const { url } = isObject(properties) ? properties : {};
    if (typeof url !== "string" || !URL.canParse(url)) return [];
    const { hostname, pathname } = new URL(url);
    return [
      { name: id.replace(/^.*\//, ""), host: hostname.toLowerCase(), deployment: /\/deployments\/([^/?]+)/.exec(pathname)?.[1] ?? null },
    ];
  });
  return (place) => {
    const [host = "", deployment] = place.toLowerCase().split("/");
    const onHost = known.filter((backend) => backend.host === host);
    const named = onHost.filter((backend) => backend.deployment?.toLowerCase() === deployment);
    // A backend that names another deployment was not called.
    const fitting = named.length > 0 ? named : onHost.length > 1 ? onHost.filter((backend) => backend.deployment === null) : onHost;
    const [found] = fitting;
    return found !== undefined && fitting.length === 1 ? found.name : place;
  };
}
